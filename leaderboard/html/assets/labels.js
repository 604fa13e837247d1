// Names beside points: the most important first, each where it touches no other name and covers few points.

const LABEL_HEIGHT = 16;

let measuringContext = null;

function textWidth(text, style) {
  measuringContext ??= document.createElement("canvas").getContext("2d");
  measuringContext.font = `${style} 12.5px ${getComputedStyle(document.body).fontFamily}`;
  return measuringContext.measureText(text).width;
}

function touches(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** Boxes around a point where its name may be: beside it first, then farther away with a line to it. */
function candidateBoxes({ x, y }, width) {
  const boxes = [];
  const box = (left, middle) => ({
    left,
    right: left + width,
    top: middle - LABEL_HEIGHT / 2,
    bottom: middle + LABEL_HEIGHT / 2,
  });
  for (const [gap, rise] of [
    [9, 0],
    [6, 13],
    [6, 24],
    [14, 36],
    [20, 50],
    [26, 66],
    [30, 84],
    [36, 104],
  ]) {
    const sides = [box(x - width - gap, y - rise), box(x + gap, y - rise), box(x - width / 2, y - rise)];
    const lower = [box(x + gap, y + rise), box(x - width - gap, y + rise), box(x - width / 2, y + rise)];
    boxes.push(...(rise ? [...sides, ...lower] : sides.slice(0, 2)).map((each) => ({ ...each, rise })));
  }
  return boxes;
}

/**
 * Place names. `wanted` are {x, y, text, bold}, the most important first; `points` are all points {x, y}; a name stays in
 * `frame`. Returns those with a place, with the field `box`. A name next to another named point would seem to be its name;
 * bold names may cover more points.
 */
function placeLabels(wanted, points, frame) {
  const taken = [];
  const around = ({ x, y }, side) => ({ left: x - side, right: x + side, top: y - 6, bottom: y + 6 });
  return wanted.flatMap((label) => {
    const width = textWidth(label.text, label.style) + 4;
    const free = candidateBoxes(label, width).filter(
      (box) =>
        box.left >= frame.left &&
        box.right <= frame.right &&
        box.top >= frame.top &&
        box.bottom <= frame.bottom &&
        !taken.some((other) => touches(box, other)) &&
        !wanted.some((other) => touches(box, around(other, other === label ? 6 : 16))),
    );
    if (!free.length) return [];
    const cost = (box) =>
      box.rise / 7 +
      points.filter(({ x, y }) => x > box.left - 3 && x < box.right + 3 && y > box.top - 2 && y < box.bottom + 2)
        .length *
        2.5;
    const best = free.reduce((a, b) => (cost(b) < cost(a) ? b : a));
    if (cost(best) > 14 && !label.bold) return [];
    taken.push(best);
    return [{ ...label, box: best }];
  });
}

// Names beside points: the most important first, each where it touches no other name and covers few points.

const LABEL_HEIGHT = 16;
const WORST = 26; // names in a worse place are left out

let measuringContext = null;

function textWidth(text, style) {
  measuringContext ??= document.createElement("canvas").getContext("2d");
  measuringContext.font = `${style} 12.5px ${getComputedStyle(document.body).fontFamily}`;
  return measuringContext.measureText(text).width;
}

/** Points on the line between a name and its point. */
function leaderPoints({ x, y }, box) {
  const end = { x: Math.max(box.left, Math.min(x, box.right)), y: (box.top + box.bottom) / 2 };
  const steps = Math.ceil(Math.hypot(end.x - x, end.y - y) / 6);
  return Array.from({ length: Math.max(0, steps - 2) }, (_, i) => {
    const share = (i + 1) / steps;
    return { x: x + share * (end.x - x), y: y + share * (end.y - y) };
  });
}

function touches(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

// Distances of a name from its point: across and up or down, the nearest first.
const PLACES = [
  [9, 0],
  [6, 13],
  [6, 24],
  [22, 10],
  [14, 36],
  [44, 12],
  [20, 50],
  [70, 16],
  [26, 66],
  [60, 44],
  [30, 84],
  [36, 104],
];

/** Boxes around a point where its name may be: beside it first, then farther away with a line to it. */
function candidateBoxes({ x, y }, width) {
  const box = (left, middle, rise) => ({
    left,
    right: left + width,
    top: middle - LABEL_HEIGHT / 2,
    bottom: middle + LABEL_HEIGHT / 2,
    rise,
  });
  return PLACES.flatMap(([gap, rise]) =>
    (rise ? [-rise, rise] : [0]).flatMap((down) => {
      const sides = [box(x - width - gap, y + down, rise + gap / 3), box(x + gap, y + down, rise + gap / 3)];
      return rise && gap < 40 ? [...sides, box(x - width / 2, y + down, rise)] : sides;
    }),
  );
}

function distance(box, { x, y }) {
  return Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
}

/** How bad a place is for a name: far from its point, over points or the line, behind or nearer to other points. */
function badness(box, label, points, lines) {
  const own = distance(box, label);
  const others = points.filter((point) => Math.hypot(point.x - label.x, point.y - label.y) > 3);
  const covered = others.filter((point) => distance(box, point) < 3).length;
  const nearer = own < 16 ? others.filter((point) => distance(box, point) < own + 4).length : 0;
  const leader = leaderPoints(label, box);
  const crossed = others.filter(({ x, y }) => leader.some((each) => Math.hypot(each.x - x, each.y - y) < 6)).length;
  return box.rise / 8 + 3 * (covered + crossed) + 2 * nearer + 4 * lines.filter((line) => touches(box, line)).length;
}

/**
 * Place names. `wanted` are {x, y, text, bold}, the most important first; `points` are all points {x, y}; a name stays in
 * `frame` and avoids the boxes `lines`. Returns those with a place, with the field `box`. Bold names always have a place
 * if any is free.
 */
function placeLabels(wanted, points, frame, lines) {
  const taken = [];
  const leaders = [];
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
        !leaders.flat().some((point) => distance(box, point) < 2) &&
        !taken.some((other) => leaderPoints(label, box).some((point) => distance(other, point) < 2)) &&
        !wanted.some((other) => touches(box, around(other, other === label ? 6 : 14))),
    );
    if (!free.length) return [];
    const ordered = free.map((box) => [badness(box, label, points, lines), box]).sort(([a], [b]) => a - b);
    const [[cost, best]] = ordered;
    if (cost > (frame.right < NARROW ? WORST / 2 : WORST) && !label.bold) return [];
    taken.push(best);
    leaders.push(leaderPoints(label, best));
    return [{ ...label, box: best }];
  });
}

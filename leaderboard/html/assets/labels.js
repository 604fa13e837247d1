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
  const leader = leaderPoints(label, box);
  let cost = box.rise / 8 + 4 * lines.filter((line) => touches(box, line)).length;
  for (const point of points) {
    const away = distance(box, point);
    if (away < 3) cost += 3;
    if (own < 16 && away < own + 4) cost += 2;
    if (leader.some(({ x, y }) => Math.abs(x - point.x) < 6 && Math.hypot(x - point.x, y - point.y) < 6)) cost += 3;
  }
  return cost;
}

/** The points that can matter for the name of another one: those within reach of it. */
function pointsAround({ x, y }, points, width) {
  const [across, down] = [width + 80, 120];
  return points.filter((point) => {
    const [dx, dy] = [Math.abs(point.x - x), Math.abs(point.y - y)];
    return dx < across && dy < down && Math.hypot(dx, dy) > 3;
  });
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
    const near = pointsAround(label, points, width);
    let [cost, best] = [Infinity, null];
    for (const box of free) {
      if (box.rise / 8 >= cost) continue;
      const own = badness(box, label, near, lines);
      if (own < cost) [cost, best] = [own, box];
    }
    if (cost > (frame.right < NARROW ? WORST / 2 : WORST) && !label.bold) return [];
    taken.push(best);
    leaders.push(leaderPoints(label, best));
    return [{ ...label, box: best }];
  });
}

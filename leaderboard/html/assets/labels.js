// Names beside points: the most important first, each where it covers no point and touches no other name.

const CLEAR = 1.5; // pixels between a name and any point
const LINE_CLEAR = 0.75; // pixels between a line and any point
const TWINS = 3; // points nearer to each other than this look like one
const APART = { across: 7, down: 1 }; // pixels between two names
const REACHES = [12, 18, 24, 30, 36, 44, 52, 60]; // lengths of lines in pixels
const LONG_REACHES = [...REACHES, 68, 76]; // for measured and pinned models
const ANGLES = Array.from({ length: 48 }, (_, i) => (i * Math.PI) / 24); // directions of lines
const WORST = 20; // names in a worse place are left out

let measuringContext = null;

/** The size of a text: {width, up, down} in pixels, the last two from its baseline. */
function textSize(text, style) {
  measuringContext ??= document.createElement("canvas").getContext("2d");
  measuringContext.font = `${style} 12.5px ${getComputedStyle(document.body).fontFamily}`;
  const { width, fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = measuringContext.measureText(text);
  return { width: width + 2, up: up + 0.5, down: down + 0.5 };
}

function touches(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function distance(box, { x, y }) {
  return Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
}

/** The distance of a point from a line {x1, y1, x2, y2}. */
function lineDistance({ x1, y1, x2, y2 }, { x, y }) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const share = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x1 + share * dx - x, y1 + share * dy - y);
}

/** Points on a line, at most 3 pixels apart. */
function alongLine({ x1, y1, x2, y2 }) {
  const steps = Math.ceil(Math.hypot(x2 - x1, y2 - y1) / 3);
  return Array.from({ length: steps + 1 }, (_, i) => ({
    x: x1 + ((x2 - x1) * i) / steps,
    y: y1 + ((y2 - y1) * i) / steps,
  }));
}

/** A point as large as it and those on the same place together, and the other points. */
function withTwins(label, near) {
  const away = (point) => Math.hypot(point.x - label.x, point.y - label.y);
  const twins = near.filter((point) => away(point) < TWINS);
  const reach = Math.max(label.reach, ...twins.map((point) => away(point) + point.reach + LINE_CLEAR));
  return [{ x: label.x, y: label.y, reach }, near.filter((point) => !twins.includes(point))];
}

/** Places for the name of a point, the best first: [cost, box, line]; beside it without a line, then farther away. */
function namePlaces({ x, y, reach }, { width, up, down }, lengths) {
  const height = up + down;
  const box = (left, top) => ({ left, top, right: left + width, bottom: top + height });
  const places = [];
  const gap = reach + 2.5;
  for (const [cost, shift] of [[0, 0], [1, -5], [1, 5]]) {
    places.push([cost, box(x + gap, y - height / 2 + shift), null]);
    places.push([cost + 0.3, box(x - gap - width, y - height / 2 + shift), null]);
  }
  for (const share of [0.5, 0.25, 0.75, 0.05, 0.95]) {
    const cost = 1.5 + 2 * Math.abs(share - 0.5);
    places.push([cost, box(x - share * width, y - reach - CLEAR - height), null]);
    places.push([cost, box(x - share * width, y + reach + CLEAR), null]);
  }
  for (const length of lengths) {
    for (const angle of ANGLES) {
      const [across, upward] = [Math.cos(angle), Math.sin(angle)];
      const end = { x: x + (reach + length) * across, y: y + (reach + length) * upward };
      const line = { x1: x + reach * across, y1: y + reach * upward, x2: end.x, y2: end.y };
      const cost = 3 + length / 6;
      if (Math.abs(across) > 0.2) places.push([cost, box(across > 0 ? end.x + 2 : end.x - 2 - width, end.y - height / 2), line]);
      if (Math.abs(upward) < 0.45) continue;
      for (const share of [0.1, 0.5, 0.9]) {
        places.push([cost + 0.2, box(end.x - share * width, upward > 0 ? end.y : end.y - height), line]);
      }
    }
  }
  return places.sort((a, b) => a[0] - b[0]);
}

/** Whether a name and its line would cover a point, or touch another name or line; `near` are the other points. */
function isTaken(box, line, near, placed) {
  const wide = {
    left: box.left - APART.across,
    right: box.right + APART.across,
    top: box.top - APART.down,
    bottom: box.bottom + APART.down,
  };
  if (placed.some((other) => touches(wide, other.box) || other.along.some((each) => distance(box, each) < 3))) return true;
  if (near.some((point) => distance(box, point) < point.reach + CLEAR)) return true;
  if (!line) return false;
  if (near.some((point) => lineDistance(line, point) < point.reach + LINE_CLEAR - 0.01)) return true;
  const along = alongLine(line);
  return placed.some(
    (other) =>
      along.some((each) => distance(other.box, each) < 3) || other.along.some((each) => lineDistance(line, each) < 5),
  );
}

/** How unclear a place is: over the frontier, or, without a line, nearer to other points than to its own. */
function confusion(box, line, point, near, frontier) {
  const over = frontier.filter((each) => touches(box, each)).length;
  const own = distance(box, point) - point.reach;
  const limit = line ? 4 : own + 4;
  const rivals = near.filter((each) => distance(box, each) - each.reach < limit).length;
  return 4 * over + (line ? 0.7 : 2) * rivals;
}

/**
 * Place at most `most` names. `wanted` are {x, y, reach, text, style, bold, far}, the most important first; `points` are all
 * points {x, y, reach}, with `reach` as the outer radius; a name stays in `frame` and avoids the boxes `frontier`. Returns
 * those with a place, with the fields `box`, `baseline` and `line`.
 */
function placeLabels(wanted, points, frame, frontier, most) {
  const placed = [];
  for (const label of wanted) {
    if (placed.length >= most) break;
    const size = textSize(label.text, label.style);
    const around = (point) => Math.abs(point.x - label.x) < size.width + 90 && Math.abs(point.y - label.y) < 110;
    const near = points.filter((point) => point.row !== label.row && around(point));
    const [whole, others] = withTwins(label, near);
    let [least, found] = [label.bold ? Infinity : WORST, null];
    for (const [cost, box, line] of namePlaces(whole, size, label.far ? LONG_REACHES : REACHES)) {
      if (cost >= least) break;
      if (box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom) continue;
      if (isTaken(box, line, near, placed)) continue;
      const total = cost + confusion(box, line, whole, others, frontier);
      if (total < least) [least, found] = [total, { box, line }];
    }
    if (found) {
      const along = found.line ? alongLine(found.line) : [];
      placed.push({ ...label, ...found, along, baseline: found.box.top + size.up });
    }
  }
  return placed;
}

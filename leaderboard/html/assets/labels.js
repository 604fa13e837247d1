// Names beside points: the most important first, each where it covers no point and touches no other name.

const CLEAR = 1.5; // pixels between a name and any point
const LINE_CLEAR = 0.75; // pixels between a line and any point
const TWINS = 3; // points nearer to each other than this look like one
const APART = { across: 7, down: 1 }; // pixels between two names
const REACHES = [12, 18, 24, 30, 36, 44, 52, 60]; // lengths of lines in pixels
const LONG_REACHES = [...REACHES, 68, 76]; // for measured and pinned models
const ANGLES = Array.from({ length: 48 }, (_, i) => (i * Math.PI) / 24); // directions of lines
const WORST = 20; // names in a worse place are left out
const CELL = 12; // pixels of a cell of the grid of points

const textSizes = new Map();
let measuringContext = null;

/** The size of a text: {width, up, down} in pixels, the last two from its baseline. */
function textSize(text, style, family) {
  const font = `${style} 12.5px ${family}`;
  const key = `${font}\n${text}`;
  if (!textSizes.has(key)) {
    measuringContext ??= document.createElement("canvas").getContext("2d");
    measuringContext.font = font;
    const { width, fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = measuringContext.measureText(text);
    textSizes.set(key, { width: width + 2, up: up + 0.5, down: down + 0.5 });
  }
  return textSizes.get(key);
}

function touches(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

// Math.hypot is several times slower than this, and most of the work here is distances.
function hypotenuse(across, down) {
  return Math.sqrt(across * across + down * down);
}

function grown({ left, right, top, bottom }, across, down = across) {
  return { left: left - across, right: right + across, top: top - down, bottom: bottom + down };
}

function boxAround({ x1, y1, x2, y2 }) {
  return { left: Math.min(x1, x2), right: Math.max(x1, x2), top: Math.min(y1, y2), bottom: Math.max(y1, y2) };
}

function distance(box, { x, y }) {
  return hypotenuse(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
}

/** The distance of a point from a line {x1, y1, x2, y2}. */
function lineDistance({ x1, y1, x2, y2 }, { x, y }) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const share = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
  return hypotenuse(x1 + share * dx - x, y1 + share * dy - y);
}

/** Points on a line, at most 3 pixels apart. */
function alongLine({ x1, y1, x2, y2 }) {
  const steps = Math.ceil(hypotenuse(x2 - x1, y2 - y1) / 3);
  const along = [];
  for (let i = 0; i <= steps; i++) along.push({ x: x1 + ((x2 - x1) * i) / steps, y: y1 + ((y2 - y1) * i) / steps });
  return along;
}

/** Points {x, y, reach} in square cells, to find those near a box. */
class PointGrid {
  constructor(points) {
    this.widest = Math.max(0, ...points.map((point) => point.reach));
    this.lastColumn = Math.max(0, ...points.map((point) => Math.floor(point.x / CELL)));
    this.lastRow = Math.max(0, ...points.map((point) => Math.floor(point.y / CELL)));
    this.cells = Array.from({ length: (this.lastColumn + 1) * (this.lastRow + 1) }, () => []);
    for (const point of points) this.cell(this.row(point.y), this.column(point.x)).push(point);
  }

  cell(row, column) {
    return this.cells[row * (this.lastColumn + 1) + column];
  }

  column(x) {
    return Math.max(0, Math.min(this.lastColumn, Math.floor(x / CELL)));
  }

  row(y) {
    return Math.max(0, Math.min(this.lastRow, Math.floor(y / CELL)));
  }

  /** Whether a test holds for one of the points whose rim is within `margin` of a box; it may see others too. */
  some(box, margin, test) {
    const reach = margin + this.widest;
    const [first, last] = [this.column(box.left - reach), this.column(box.right + reach)];
    const bottom = this.row(box.bottom + reach);
    for (let row = this.row(box.top - reach); row <= bottom; row++) {
      for (let column = first; column <= last; column++) {
        for (const point of this.cell(row, column)) if (test(point)) return true;
      }
    }
    return false;
  }

  /** All points whose rim is within `margin` of a box, and some that are farther away. */
  near(box, margin) {
    const found = [];
    this.some(box, margin, (point) => void found.push(point));
    return found;
  }
}

/** A point as large as it and those on the same place together, and a list of those others. */
function withTwins({ x, y, reach, row }, grid) {
  const away = (point) => hypotenuse(point.x - x, point.y - y);
  const around = grid.near({ left: x, right: x, top: y, bottom: y }, TWINS);
  const twins = around.filter((point) => point.row !== row && away(point) < TWINS);
  const whole = Math.max(reach, ...twins.map((point) => away(point) + point.reach + LINE_CLEAR));
  return [{ x, y, reach: whole, row }, twins];
}

/**
 * Places for a name, the best first: beside its point without a line, then farther away. A place is `length` pixels
 * from the rim of the point in the direction {across, down}, moved by {right, lower} pixels. The shares {leftward,
 * upward} of the name's width and height lie left of it and above it. `angle` is the direction's index in ANGLES, or
 * null without a line.
 */
function namePlaces(lengths) {
  const places = [];
  const add = (cost, length, across, down, moved) =>
    places.push({ cost, length, across, down, leftward: 0, upward: 0, right: 0, lower: 0, angle: null, ...moved });
  for (const [cost, lower] of [[0, 0], [1, -5], [1, 5]]) {
    add(cost, 2.5, 1, 0, { upward: 0.5, lower });
    add(cost + 0.3, 2.5, -1, 0, { leftward: 1, upward: 0.5, lower });
  }
  for (const leftward of [0.5, 0.25, 0.75, 0.05, 0.95]) {
    const cost = 1.5 + 2 * Math.abs(leftward - 0.5);
    add(cost, CLEAR, 0, -1, { leftward, upward: 1 });
    add(cost, CLEAR, 0, 1, { leftward });
  }
  for (const length of lengths) {
    const cost = 3 + length / 6;
    ANGLES.forEach((turn, angle) => {
      const [across, down] = [Math.cos(turn), Math.sin(turn)];
      const side = across > 0 ? { right: 2 } : { right: -2, leftward: 1 };
      if (Math.abs(across) > 0.2) add(cost, length, across, down, { ...side, upward: 0.5, angle });
      if (Math.abs(down) < 0.45) return;
      const upward = down > 0 ? 0 : 1;
      for (const leftward of [0.1, 0.5, 0.9]) add(cost + 0.2, length, across, down, { leftward, upward, angle });
    });
  }
  return places.sort((a, b) => a.cost - b.cost);
}

const [PLACES, FAR_PLACES] = [REACHES, LONG_REACHES].map(namePlaces);

function boxAt(place, { x, y, reach }, { width, up, down }) {
  const away = reach + place.length;
  const left = x + away * place.across + place.right - place.leftward * width;
  const top = y + away * place.down - place.upward * (up + down) + place.lower;
  return { left, top, right: left + width, bottom: top + up + down };
}

/** The line of a place from the rim of its point on, or only the part of it from `start` pixels on. */
function lineAt({ length, across, down, angle }, { x, y, reach }, start = 0) {
  if (angle === null) return null;
  const [near, far] = [reach + start, reach + length];
  return { x1: x + near * across, y1: y + near * down, x2: x + far * across, y2: y + far * down };
}

/** A test whether the line of a place crosses a point. If it does, so does each longer one in its direction. */
function lineTest(spot, grid) {
  const free = ANGLES.map(() => 0); // the longest free line in each direction so far
  const crossing = ANGLES.map(() => Infinity); // the shortest crossing line
  return (place) => {
    const { angle, length } = place;
    if (angle === null || length <= free[angle]) return false;
    if (length >= crossing[angle]) return true;
    const part = lineAt(place, spot, free[angle]);
    const crosses = grid.some(
      boxAround(part),
      LINE_CLEAR,
      (point) => point.row !== spot.row && lineDistance(part, point) < point.reach + LINE_CLEAR - 0.01,
    );
    (crosses ? crossing : free)[angle] = length;
    return crosses;
  };
}

/** A test whether the name of a point covers another point. It first tries the one found last, which is often the next. */
function coverTest(spot, grid) {
  let [tested, last] = [null, null];
  const covers = (point) => {
    if (point.row === spot.row || distance(tested, point) >= point.reach + CLEAR) return false;
    last = point;
    return true;
  };
  return (box) => {
    tested = box;
    return (last !== null && covers(last)) || grid.some(box, CLEAR, covers);
  };
}

function touchesName(box, placed) {
  const wide = grown(box, APART.across, APART.down);
  return placed.some((other) => touches(wide, other.box));
}

/** Whether a name would touch the line of another one, or its own line another name or line. */
function touchesLine(box, line, placed) {
  const wide = grown(box, 3);
  const lined = placed.filter((other) => other.line);
  if (lined.some((other) => touches(wide, other.bounds) && other.along.some((each) => distance(box, each) < 3))) return true;
  if (!line) return false;
  const [near, nearer] = [grown(boxAround(line), 5), grown(boxAround(line), 3)];
  return (
    placed.some((other) => touches(nearer, other.box) && alongLine(line).some((each) => distance(other.box, each) < 3)) ||
    lined.some((other) => touches(near, other.bounds) && other.along.some((each) => lineDistance(line, each) < 5))
  );
}

/** How unclear a place is: over the frontier, or, without a line, nearer to other points than to its own. */
function confusion(box, line, spot, twins, grid, frontier) {
  const over = frontier.filter((each) => touches(box, each)).length;
  const limit = line ? 4 : distance(box, spot) - spot.reach + 4;
  const others = grid.near(box, limit).filter((point) => point.row !== spot.row && !twins.includes(point));
  const rivals = others.filter((point) => distance(box, point) - point.reach < limit).length;
  return 4 * over + (line ? 0.7 : 2) * rivals;
}

/**
 * Place at most `most` names. `wanted` are {x, y, reach, text, style, bold, far}, the most important first; `points` are all
 * points {x, y, reach}, with `reach` as the outer radius; a name stays in `frame` and avoids the boxes `frontier`. Returns
 * those with a place, with the fields `box`, `baseline` and `line`.
 */
function placeLabels(wanted, points, frame, frontier, most) {
  const placed = [];
  const grid = new PointGrid(points);
  const family = getComputedStyle(document.body).fontFamily;
  for (const label of wanted) {
    if (placed.length >= most) break;
    const size = textSize(label.text, label.style, family);
    const [spot, twins] = withTwins(label, grid);
    const [crossesPoint, coversPoint] = [lineTest(spot, grid), coverTest(spot, grid)];
    let [least, found] = [label.bold ? Infinity : WORST, null];
    for (const place of label.far ? FAR_PLACES : PLACES) {
      if (place.cost >= least) break;
      if (crossesPoint(place)) continue;
      const box = boxAt(place, spot, size);
      if (box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom) continue;
      if (touchesName(box, placed) || coversPoint(box)) continue;
      const line = lineAt(place, spot);
      if (touchesLine(box, line, placed)) continue;
      const total = place.cost + confusion(box, line, spot, twins, grid, frontier);
      if (total < least) [least, found] = [total, { box, line }];
    }
    if (found) {
      const drawn = found.line && { along: alongLine(found.line), bounds: boxAround(found.line) };
      placed.push({ ...label, ...found, ...drawn, baseline: found.box.top + size.up });
    }
  }
  return placed;
}

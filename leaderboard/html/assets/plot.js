// The main chart: accuracy against size as SVG. Sizes are logarithmic; so are errors, which spreads the best models.

const NARROW = 560; // pixels
const SCORE_TICKS = [50, 90, 80, 95, 99, 98, 0, 70, 97, 99.5, 60, 85, 30, 93, 99.8, 96];
const SIZE_TICKS = [1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10, 3e10, 1e11];

function logError(value) {
  return Math.log10(Math.max(0.05, 100 - value));
}

/** The places of everything in a chart of a size: {width, height, left, right, top, bottom, side, rail, x, y}. */
function layout(points, width, height) {
  const narrow = width < NARROW;
  const scored = points.filter((point) => point.value !== null);
  const unsized = points.some((point) => !point.model.parameters);
  const partial = scored.length < points.length;
  const frame = { width, height, narrow, left: narrow ? 30 : 40, top: 34 };
  frame.right = width - (unsized ? (narrow ? 44 : 104) : 12);
  frame.side = unsized ? (frame.right + width) / 2 : null; // models of unknown size
  frame.bottom = height - (partial ? 104 : 46);
  frame.rail = partial ? frame.bottom + 42 : null; // models without a score in one of the languages
  const sizes = points
    .map((point) => point.model.parameters)
    .filter(Boolean)
    .map(Math.log10);
  const [least, most] = [Math.min(...sizes) - 0.08, Math.max(...sizes) + 0.1];
  const errors = scored.map((point) => logError(point.value));
  const [smallest, largest] = [Math.min(...errors) - 0.08, Math.max(...errors) + 0.03];
  frame.x = (size) => frame.left + ((Math.log10(size) - least) / (most - least || 1)) * (frame.right - frame.left);
  frame.y = (value) => {
    const place = (logError(value) - smallest) / (largest - smallest || 1);
    return frame.top + place * (frame.bottom - frame.top);
  };
  return frame;
}

/** Give each point its place and its radius with the outline; those of unknown size or without a score are apart. */
function placePoints(points, frame) {
  points.forEach((point, i) => {
    const apart = ((i * 7919) % 11) - 5; // spreads points that would hide each other
    point.x = point.model.parameters ? frame.x(point.model.parameters) : frame.side + apart * (frame.narrow ? 2 : 5);
    point.y = point.value === null ? frame.rail + ((i * 31) % 5) * 2.5 - 5 : frame.y(point.value);
    const [radius, outline] = pointSize(point);
    point.reach = radius + outline / 2;
  });
}

function axes(frame) {
  const group = svg("g", { class: "axes" }, svg("text", { class: "axis", x: 0, y: 12 }, settings.board.axis));
  const taken = [];
  for (const tick of SCORE_TICKS) {
    const y = frame.y(tick);
    if (y < frame.top - 2 || y > frame.bottom + 2 || taken.some((other) => Math.abs(other - y) < 26)) continue;
    taken.push(y);
    group.append(
      svg("line", { class: "grid", x1: frame.left, x2: frame.side ? frame.width : frame.right, y1: y, y2: y }),
      svg("text", { class: "tick", x: frame.left - 8, y: y + 4, "text-anchor": "end" }, String(tick)),
    );
  }
  const base = frame.rail ? frame.rail + 18 : frame.bottom;
  let last = -Infinity;
  for (const tick of SIZE_TICKS) {
    const x = frame.x(tick);
    if (x < frame.left || x > frame.right - 4 || x - last < 34) continue;
    last = x;
    group.append(
      svg("line", { class: "notch", x1: x, x2: x, y1: base, y2: base + 5 }),
      svg("text", { class: "tick", x, y: base + 20, "text-anchor": "middle" }, parametersText({ parameters: tick })),
    );
  }
  group.append(
    svg("line", { class: "base", x1: frame.left, x2: frame.right, y1: base, y2: base }),
    svg(
      "text",
      { class: "axis", x: (frame.left + frame.right) / 2, y: base + 40, "text-anchor": "middle" },
      "Parameters",
    ),
  );
  if (frame.side) {
    const words = frame.narrow ? ["size", "unknown"] : ["size not public", "or unknown"];
    const [first, second] = words;
    group.append(
      svg("line", { class: "edge", x1: frame.right, x2: frame.right, y1: frame.top, y2: base }),
      svg("text", { class: "tick", x: frame.side, y: base + 20, "text-anchor": "middle" }, first),
      svg("text", { class: "tick", x: frame.side, y: base + 34, "text-anchor": "middle" }, second),
    );
  }
  if (frame.rail) {
    group.append(
      svg("rect", { class: "rail", x: frame.left, y: frame.rail - 30, width: frame.width - frame.left, height: 44 }),
      svg(
        "text",
        { class: "tick", x: frame.left + 8, y: frame.rail - 15 },
        "incomplete: no score in a chosen language",
      ),
    );
  }
  return group;
}

function frontierPath(best, frame) {
  const steps = best.map((point, i) =>
    i ? `H${point.x.toFixed(1)}V${point.y.toFixed(1)}` : `M${point.x.toFixed(1)},${point.y.toFixed(1)}`,
  );
  return svg("path", { class: "frontier", d: steps.length ? `${steps.join("")}H${frame.right}` : "" });
}

/** Thin boxes around the line, which names keep away from. */
function frontierBoxes(best, frame) {
  return best.flatMap((point, i) => {
    const { x, y } = best[i + 1] ?? { x: frame.right, y: point.y };
    return [
      { left: point.x, right: x, top: point.y - 2, bottom: point.y + 2 },
      { left: x - 2, right: x + 2, top: Math.min(y, point.y), bottom: Math.max(y, point.y) },
    ];
  });
}

/** The radius of a point and the width of its outline, as in explorer.css. */
function pointSize(point) {
  if (isPinned(point.model.name)) return point.model.measured ? [7, 2] : [7, 3.5];
  if (point.model.measured) return [5, 1.5];
  return point.best ? [4.6, 2] : [3.8, 1.25];
}

function mark(point) {
  const kind = ["point", point.model.measured ? "measured" : "published", point.best ? "best" : null];
  kind.push(isPinned(point.model.name) ? "pinned" : null);
  return svg("circle", {
    class: kind.filter(Boolean).join(" "),
    cx: point.x.toFixed(1),
    cy: point.y.toFixed(1),
    r: pointSize(point)[0],
  });
}

function labelNode({ box, text, bold, baseline, line, kind }) {
  return svg(
    "g",
    { class: `label ${kind}${bold ? " bold" : ""}` },
    line && svg("line", line),
    svg("text", { x: box.left + 1, y: baseline }, text),
  );
}

/** Whether a measured point is drawn over a published one, so that the name would seem to be that of the measured one. */
function isHidden(point, points) {
  const over = (other) => other.model.measured && Math.hypot(other.x - point.x, other.y - point.y) < TWINS;
  return !point.model.measured && points.some(over);
}

/** The points whose names are wanted, the most important first. */
function labeled(points) {
  const pinned = points.filter((point) => isPinned(point.model.name));
  const scored = points.filter((point) => point.value !== null).sort((a, b) => b.value - a.value);
  const measured = scored.filter((point) => point.model.measured && !point.model.name.includes(" ("));
  const usual = scored.filter((point) => point.model.usual && !isHidden(point, scored));
  const [first, ...others] = bestOfClasses(scored)
    .map(([, point]) => point)
    .reverse();
  return [...new Set([...pinned, first, measured[0], ...usual, ...others, ...measured].filter(Boolean))];
}

/** The name of a point, for `placeLabels` and `labelNode`. */
function pointLabel(point, narrow) {
  const { name, measured } = point.model;
  const bold = isPinned(name);
  return {
    ...point,
    text: cut(shortName(name), narrow ? 24 : 40),
    bold,
    far: bold || measured,
    style: measured ? "650" : bold ? "italic 700" : "italic 500",
    kind: measured ? "measured" : "published",
  };
}

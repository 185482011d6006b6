/** A small SVG writer for line plots: axes, ticks, legend, colours that stay apart for all readers. No dependency. */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Drawn dashed: models beside measurements. */
  readonly dashed?: boolean;
}

export interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale?: "linear" | "log";
  readonly yScale?: "linear" | "log";
  readonly series: readonly Series[];
}

/** Okabe and Ito 2008: eight colours that the colour-blind tell apart; the yellow is too pale on white. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"] as const;
const MARKERS = ["circle", "square", "triangle", "diamond"] as const;

const PANEL = { width: 480, height: 360 } as const;
const MARGIN = { left: 74, right: 18, top: 44, bottom: 54 } as const;
const INNER = {
  width: PANEL.width - MARGIN.left - MARGIN.right,
  height: PANEL.height - MARGIN.top - MARGIN.bottom,
} as const;
const LEGEND_LINE = 18;
const TITLE_HEIGHT = 34;
const FONT = "font-family='system-ui,Helvetica,Arial,sans-serif'";

/** One SVG with the panels side by side, two a row. Throws RangeError when a panel has no point to show. */
export function plotSvg(title: string, panels: readonly Panel[]): string {
  const columns = Math.min(2, panels.length);
  const rows = Math.ceil(panels.length / columns);
  const legend = Math.max(...panels.map(({ series }) => series.length)) * LEGEND_LINE + 12;
  const rowHeight = PANEL.height + legend;
  const [width, height] = [columns * PANEL.width, TITLE_HEIGHT + rows * rowHeight];
  const drawn = panels.map((panel, index) => {
    const x = (index % columns) * PANEL.width;
    const y = TITLE_HEIGHT + Math.floor(index / columns) * rowHeight;
    return `<g transform='translate(${x} ${y})'>${drawPanel(panel)}</g>`;
  });
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${width} ${height}' width='${width}' height='${height}' role='img' ${FONT}>`,
    `<title>${escapeText(title)}</title>`,
    `<rect width='${width}' height='${height}' fill='#ffffff'/>`,
    text(width / 2, 24, title, "size='17' weight='600'"),
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

function drawPanel(panel: Panel): string {
  const all = panel.series.flatMap(({ points }) => points);
  if (all.length === 0) throw new RangeError(`The panel ${panel.title} has no points.`);
  const xAxis = makeAxis(
    all.map(([x]) => x),
    panel.xScale ?? "linear",
    MARGIN.left,
    MARGIN.left + INNER.width,
  );
  const yAxis = makeAxis(
    all.map(([, y]) => y),
    panel.yScale ?? "linear",
    MARGIN.top + INNER.height,
    MARGIN.top,
  );
  return [
    text(PANEL.width / 2, 26, panel.title, "size='14' weight='600'"),
    ...xAxis.ticks.map((tick) => verticalTick(xAxis.at(tick), tick)),
    ...yAxis.ticks.map((tick) => horizontalTick(yAxis.at(tick), tick)),
    `<rect x='${MARGIN.left}' y='${MARGIN.top}' width='${INNER.width}' height='${INNER.height}' fill='none' stroke='#444'/>`,
    text(MARGIN.left + INNER.width / 2, PANEL.height - 14, panel.xLabel, "size='13'"),
    text(0, 0, panel.yLabel, "size='13'", `translate(18 ${MARGIN.top + INNER.height / 2}) rotate(-90)`),
    ...panel.series.map((series, index) => drawSeries(series, index, xAxis, yAxis)),
    ...panel.series.map((series, index) => legendLine(series, index)),
  ].join("\n");
}

interface Axis {
  readonly ticks: readonly number[];
  at(value: number): number;
}

function makeAxis(values: readonly number[], scale: "linear" | "log", from: number, to: number): Axis {
  return scale === "log" ? logAxis(values, from, to) : linearAxis(values, from, to);
}

/** From zero, so that heights of lines compare as their values do. */
function linearAxis(values: readonly number[], from: number, to: number): Axis {
  const high = Math.max(...values, 0);
  const low = Math.min(...values, 0);
  const step = niceStep((high - low || 1) / 5);
  const [first, last] = [Math.floor(low / step) * step, Math.ceil((high || step) / step) * step];
  const count = Math.round((last - first) / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) =>
    Number((first + index * step).toPrecision(12)),
  );
  return { ticks, at: (value) => from + ((value - first) / (last - first)) * (to - from) };
}

function logAxis(values: readonly number[], from: number, to: number): Axis {
  const positive = values.filter((value) => value > 0);
  const first = Math.floor(Math.log10(Math.min(...positive)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...positive))));
  const decades = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
  const stride = Math.ceil(decades.length / 7);
  const ticks = decades.filter((_, index) => index % stride === 0);
  const at = (value: number): number =>
    from + ((Math.log10(Math.max(value, 10 ** first)) - first) / (last - first)) * (to - from);
  return { ticks, at };
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least) ?? 10) * power;
}

function verticalTick(x: number, value: number): string {
  const bottom = MARGIN.top + INNER.height;
  return `<path d='M${round(x)} ${MARGIN.top}V${bottom + 5}' stroke='#ddd'/>${text(x, bottom + 19, label(value), "size='12'")}`;
}

function horizontalTick(y: number, value: number): string {
  const line = `<path d='M${MARGIN.left - 5} ${round(y)}H${MARGIN.left + INNER.width}' stroke='#ddd'/>`;
  return line + text(MARGIN.left - 9, y + 4, label(value), "size='12' anchor='end'");
}

function drawSeries({ points, dashed }: Series, index: number, xAxis: Axis, yAxis: Axis): string {
  const places = points.map(([x, y]) => [round(xAxis.at(x)), round(yAxis.at(y))] as const);
  const path = places.map(([x, y], place) => `${place === 0 ? "M" : "L"}${x} ${y}`).join("");
  const line = `<path d='${path}' fill='none' stroke='${colourOf(index)}' stroke-width='2'${dashed ? " stroke-dasharray='7 4'" : ""}/>`;
  // Long series would be nothing but markers.
  const stride = Math.ceil(places.length / 16);
  return (
    line +
    places
      .filter((_, place) => place % stride === 0)
      .map(([x, y]) => marker(index, x, y))
      .join("")
  );
}

function legendLine({ name, dashed }: Series, index: number): string {
  const y = PANEL.height + index * LEGEND_LINE;
  const x = MARGIN.left;
  const dash = dashed ? " stroke-dasharray='7 4'" : "";
  return `<path d='M${x} ${y}h34' stroke='${colourOf(index)}' stroke-width='2'${dash}/>${marker(index, x + 17, y)}${text(x + 44, y + 4, name, "size='13' anchor='start'")}`;
}

const colourOf = (index: number): string => COLOURS[index % COLOURS.length]!;

function marker(index: number, x: number, y: number): string {
  const fill = `fill='${colourOf(index)}'`;
  switch (MARKERS[index % MARKERS.length]) {
    case "circle":
      return `<circle cx='${x}' cy='${y}' r='3.6' ${fill}/>`;
    case "square":
      return `<rect x='${round(x - 3.2)}' y='${round(y - 3.2)}' width='6.4' height='6.4' ${fill}/>`;
    case "triangle":
      return `<path d='M${x} ${round(y - 4.2)}l4 7h-8z' ${fill}/>`;
    default:
      return `<path d='M${x} ${round(y - 4.6)}l4.6 4.6l-4.6 4.6l-4.6-4.6z' ${fill}/>`;
  }
}

function text(x: number, y: number, words: string, style: string, transform?: string): string {
  const attributes = style
    .replace("size=", "font-size=")
    .replace("weight=", "font-weight=")
    .replace(/^(?!.*anchor)/, "anchor='middle' ")
    .replace("anchor=", "text-anchor=");
  const place = transform === undefined ? `x='${round(x)}' y='${round(y)}'` : `transform='${transform}'`;
  return `<text ${place} ${attributes} fill='#222'>${escapeText(words)}</text>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

const UNITS = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

function label(value: number): string {
  const unit = UNITS.find(
    ([size]) => Math.abs(value) >= size * 10 || (size >= 1e6 && Math.abs(value) >= size),
  );
  if (unit !== undefined) {
    const short = value / unit[0];
    return short >= 1e4 ? value.toExponential(0) : `${Number(short.toPrecision(3))}${unit[1]}`;
  }
  return value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(0)
    : String(Number(value.toPrecision(3)));
}

const escapeText = (words: string): string =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("'", "&#39;");

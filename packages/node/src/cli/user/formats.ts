/** How ids, times and sizes are shown to people; `--json` gives them whole. */

/** Enough digits to name a thing again on the command line. */
export const shortId = (id: string): string => id.slice(0, 16);

/** `2026-11-22 17:53:09Z` */
export const timeText = (timeMs: number): string =>
  new Date(timeMs)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");

/** `512 B`, `3.4 kB`, `1.2 MB`: powers of ten. */
export function sizeText(sizeBytes: number): string {
  if (sizeBytes < 1_000) return `${sizeBytes} B`;
  if (sizeBytes < 1_000_000) return `${(sizeBytes / 1_000).toFixed(1)} kB`;
  return `${(sizeBytes / 1_000_000).toFixed(1)} MB`;
}

/** `340 ms`, `2.1 s` */
export const durationText = (durationMs: number): string =>
  durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(1)} s`;

/** `1 record`, `3 records` */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? "" : "s"}`;

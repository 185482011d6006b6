/** The newest date a resource speaks of, in whole months: all that the public index may tell about time. */
import type { ResourceFields } from "./bundle.js";

const DATE_FIELDS = [
  "effectiveDateTime",
  "effectiveInstant",
  "issued",
  "authoredOn",
  "recordedDate",
  "onsetDateTime",
  "performedDateTime",
  "occurrenceDateTime",
  "dateAsserted",
  "whenHandedOver",
  "started",
  "created",
  "date",
] as const;
const PERIOD_FIELDS = [
  "effectivePeriod",
  "performedPeriod",
  "period",
  "billablePeriod",
  "onsetPeriod",
] as const;
const MS_PER_DAY = 86_400_000;

/**
 * Days from 1970-01-01 to the first day of the newest month in these resources; 0 when they name no date, or only
 * dates before 1970.
 */
export function dateBucketOf(resources: readonly ResourceFields[]): number {
  return resources.reduce((newest, resource) => Math.max(newest, ...datesOf(resource).map(monthBucket)), 0);
}

function datesOf(resource: ResourceFields): string[] {
  const periods = PERIOD_FIELDS.flatMap((field) => {
    const period = resource[field] as { start?: unknown; end?: unknown } | undefined | null;
    return [period?.start, period?.end];
  });
  const dates = [...DATE_FIELDS.map((field) => resource[field]), ...periods];
  return dates.filter((date) => typeof date === "string");
}

/** FHIR dates are `YYYY`, `YYYY-MM` or longer; the time zone is ignored, as months are coarse enough. */
function monthBucket(date: string): number {
  const match = /^(\d{4})(?:-(0[1-9]|1[0-2]))?/.exec(date);
  if (match === null) return 0;
  return Math.max(0, Date.UTC(Number(match[1]), Number(match[2] ?? "1") - 1, 1) / MS_PER_DAY);
}

import { describe, expect, it } from "vitest";
import {
  CATALOGUE,
  dateBucketOf,
  isRecordType,
  RECORD_TYPES,
  SENSITIVE_TYPES,
  typeOfResource,
} from "../../src/index.js";

const category = (...codes: string[]) => [{ coding: codes.map((code) => ({ code })) }];
const coded = (resourceType: string, system: string, code: string) => ({
  resourceType,
  code: { coding: [{ system, code }] },
});

describe("the catalogue", () => {
  it.each([
    ["laboratory", { resourceType: "Observation", category: category("laboratory") }],
    ["vital-signs", { resourceType: "Observation", category: category("vital-signs") }],
    ["vital-signs", { resourceType: "Observation", category: category("vital-sign") }],
    ["imaging", { resourceType: "DiagnosticReport", category: category("RAD") }],
    ["laboratory", { resourceType: "DiagnosticReport", category: category("LAB") }],
    ["document", { resourceType: "DiagnosticReport" }],
    ["medication", { resourceType: "MedicationRequest" }],
    ["allergy", { resourceType: "AllergyIntolerance", category: ["medication"] }],
    ["problem", { resourceType: "Condition" }],
    ["billing", { resourceType: "ExplanationOfBenefit" }],
    ["demographics", { resourceType: "Patient" }],
    ["other", { resourceType: "Observation" }],
    ["other", { resourceType: "Observation", category: [null, { coding: [null] }] }],
    ["other", { resourceType: "SomethingNew" }],
  ])("sorts into %s: %o", (type, resource) => {
    expect(typeOfResource(resource)).toBe(type);
  });

  it.each([
    ["mental-health", "http://snomed.info/sct", "370143000"],
    ["mental-health", "http://hl7.org/fhir/sid/icd-10-cm", "F32.1"],
    ["substance-use", "http://hl7.org/fhir/sid/icd-10-cm", "F10.20"],
    ["sexual-health", "http://hl7.org/fhir/sid/icd-10", "B20"],
    ["genetics", "http://loinc.org", "69548-6"],
  ])("sets apart %s by %s %s, in a condition and in a laboratory result", (type, system, code) => {
    expect(typeOfResource(coded("Condition", system, code))).toBe(type);
    const observation = { ...coded("Observation", system, code), category: category("laboratory") };
    expect(typeOfResource(observation)).toBe(type);
  });

  it("sets apart a claim that names a sensitive diagnosis deep inside", () => {
    const coding = [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code: "F33.0" }];
    const claim = { resourceType: "Claim", item: [{ detail: [{ diagnosis: { coding } }] }] };
    expect(typeOfResource(claim)).toBe("mental-health");
  });

  it("sets apart what its source labelled sensitive", () => {
    const security = [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "PSY" }];
    expect(typeOfResource({ resourceType: "Encounter", meta: { security } })).toBe("mental-health");
  });

  it("does not take a code of another system for a sensitive one", () => {
    expect(typeOfResource(coded("Condition", "http://example.org", "F32.1"))).toBe("problem");
  });

  it("names only types of its list, and no type of the list is unreachable", () => {
    const reachable = new Set([...CATALOGUE.map(({ type }) => type), ...SENSITIVE_TYPES, "other"]);
    expect([...reachable].sort()).toEqual([...RECORD_TYPES].sort());
    expect(CATALOGUE.every(({ type }) => isRecordType(type))).toBe(true);
  });
});

describe("the date bucket", () => {
  const days = (isoDate: string) => Date.parse(`${isoDate}T00:00:00Z`) / 86_400_000;

  it("is the first day of the newest month", () => {
    const resources = [
      { resourceType: "Observation", effectiveDateTime: "2024-03-31T23:59:59+00:00" },
      { resourceType: "Encounter", period: { start: "2023-01-01", end: "2024-05" } },
      { resourceType: "Condition", onsetDateTime: "2019" },
    ];
    expect(dateBucketOf(resources)).toBe(days("2024-05-01"));
  });

  it("is 0 without a date and for dates before 1970", () => {
    expect(
      dateBucketOf([{ resourceType: "Basic" }, { resourceType: "Condition", onsetDateTime: "1951" }]),
    ).toBe(0);
  });
});

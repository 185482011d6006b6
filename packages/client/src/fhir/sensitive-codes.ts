/**
 * Codes that put a resource into a sensitive class, whatever its type. Whole chapters by prefix where a code system has
 * them (ICD-10, ATC), single codes elsewhere (SNOMED CT, LOINC), and the sensitivity labels of HL7 v3 ActCode that a
 * source system may have set itself. Where several match, the first class of the table counts.
 *
 * The table is a floor, not a promise: codes it does not name are not seen. Alliances add rows through a new version.
 */
import type { ResourceFields } from "./bundle.js";

export type SensitiveType = "substance-use" | "mental-health" | "sexual-health" | "genetics";

interface SensitiveRow {
  readonly type: SensitiveType;
  readonly system: string;
  readonly codes?: readonly string[];
  readonly prefixes?: readonly string[];
}

const SNOMED = "http://snomed.info/sct";
const LOINC = "http://loinc.org";
const ICD10 = "http://hl7.org/fhir/sid/icd-10";
const ICD10_CM = "http://hl7.org/fhir/sid/icd-10-cm";
const ATC = "http://www.whocc.no/atc";
const ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const DIAGNOSTIC_SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074";

const codes = (type: SensitiveType, system: string, ...list: string[]): SensitiveRow => ({
  type,
  system,
  codes: list,
});
const prefixes = (type: SensitiveType, system: string, ...list: string[]): SensitiveRow => ({
  type,
  system,
  prefixes: list,
});
const icd10 = (type: SensitiveType, ...list: string[]): SensitiveRow[] => [
  prefixes(type, ICD10, ...list),
  prefixes(type, ICD10_CM, ...list),
];

const SUBSTANCE_USE: readonly SensitiveRow[] = [
  codes("substance-use", ACT_CODE, "ETH", "ETHUD", "OPIOIDUD", "SUD"),
  // F10 to F19: mental and behavioural disorders due to psychoactive substance use.
  ...icd10("substance-use", "F10", "F11", "F12", "F13", "F14", "F15", "F16", "F17", "F18", "F19"),
  prefixes("substance-use", ATC, "N07BB", "N07BC"),
  // Alcohol: alcoholism, dependence, abuse. Drugs: dependence, abuse, opioid abuse and dependence, overdose.
  codes("substance-use", SNOMED, "7200002", "66590003", "15167005"),
  codes("substance-use", SNOMED, "191816009", "26416006", "5602001", "75544000", "55680006"),
  // AUDIT-C panel and score, AUDIT score, DAST-10 score.
  codes("substance-use", LOINC, "72109-2", "75626-2", "75624-7", "82667-7"),
];

const MENTAL_HEALTH: readonly SensitiveRow[] = [
  codes("mental-health", ACT_CODE, "PSY", "PSYTHPN", "BH", "MH", "COGN", "DVD", "EMOTDIS"),
  ...icd10(
    "mental-health",
    "F0",
    "F2",
    "F3",
    "F4",
    "F5",
    "F6",
    "F7",
    "F8",
    "F9",
    "X6",
    "X7",
    "X80",
    "X81",
    "X82",
  ),
  ...icd10("mental-health", "X83", "X84", "T14.91", "R45.851"),
  prefixes("mental-health", ATC, "N05A", "N06A", "N06B"),
  // Depressive disorder, major depressive disorder (single episode, recurrent), bipolar disorder, schizophrenia.
  codes("mental-health", SNOMED, "35489007", "370143000", "36923009", "66344007", "13746004", "58214004"),
  // Anxiety, generalised anxiety, panic disorder, PTSD, obsessive-compulsive disorder, ADHD.
  codes("mental-health", SNOMED, "48694002", "197480006", "21897009", "371631005", "47505003", "191736004"),
  codes("mental-health", SNOMED, "406506008", "72366004", "56882008", "78004001", "6471006", "82313006"),
  // PHQ-9 panel and score, PHQ-2 score, GAD-7 panel and score.
  codes("mental-health", LOINC, "44249-1", "44261-6", "55758-7", "69737-5", "70274-6"),
];

const SEXUAL_HEALTH: readonly SensitiveRow[] = [
  codes("sexual-health", ACT_CODE, "HIV", "STD", "SEX", "SDV", "MST"),
  // Infections with a predominantly sexual mode of transmission; HIV disease and carrier state; contraception.
  ...icd10("sexual-health", "A50", "A51", "A52", "A53", "A54", "A55", "A56", "A57", "A58", "A59", "A6"),
  ...icd10("sexual-health", "B20", "B21", "B22", "B23", "B24", "Z21", "Z30"),
  prefixes("sexual-health", ATC, "G03A", "J05AE", "J05AG", "J05AR"),
  // HIV infection, AIDS, gonorrhoea, syphilis, chlamydial infection, genital herpes, genital warts.
  codes("sexual-health", SNOMED, "86406008", "62479008", "15628003", "76272004", "105629000", "33839006"),
  codes("sexual-health", SNOMED, "266113007", "65200003", "169553002"),
  // HIV screens and load, chlamydia and gonorrhoea DNA, syphilis RPR.
  codes("sexual-health", LOINC, "75622-1", "56888-1", "20447-9", "21613-7", "24111-7", "20507-0"),
];

const GENETICS: readonly SensitiveRow[] = [
  codes("genetics", ACT_CODE, "GDIS"),
  codes("genetics", DIAGNOSTIC_SECTION, "GE"),
  // Genetic carrier state and susceptibility; chromosomal abnormalities.
  ...icd10("genetics", "Z14", "Z15", "Z31.4", "Q9"),
  // Genetic variant assessment, variant reporting panel, gene studied, analysis reports, BRCA1 mutations.
  codes("genetics", LOINC, "69548-6", "81247-9", "48018-6", "51969-4", "55233-1", "21636-6"),
];

export const SENSITIVE_CODES: readonly SensitiveRow[] = [
  ...SUBSTANCE_USE,
  ...MENTAL_HEALTH,
  ...SEXUAL_HEALTH,
  ...GENETICS,
];

/** The sensitive class of a resource by any coding in it, or undefined. */
export function sensitiveClassOf(resource: ResourceFields): SensitiveType | undefined {
  const codings = collectCodings(resource, []);
  return SENSITIVE_CODES.find((each) => codings.some((coding) => matches(each, coding)))?.type;
}

interface Coding {
  readonly system: string;
  readonly code: string;
}

function matches(each: SensitiveRow, coding: Coding): boolean {
  if (each.system !== coding.system) return false;
  return (
    each.codes?.includes(coding.code) === true ||
    each.prefixes?.some((prefix) => coding.code.startsWith(prefix)) === true
  );
}

/** Every object with a system and a code, at any depth; depth is bounded by the reader of the bundle. */
function collectCodings(value: unknown, found: Coding[]): Coding[] {
  if (typeof value !== "object" || value === null) return found;
  if (Array.isArray(value)) {
    for (const item of value) collectCodings(item, found);
    return found;
  }
  const { system, code } = value as Partial<Record<string, unknown>>;
  if (typeof system === "string" && typeof code === "string") found.push({ system, code });
  for (const member of Object.values(value)) collectCodings(member, found);
  return found;
}

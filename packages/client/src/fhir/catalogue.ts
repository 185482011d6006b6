/**
 * The catalogue: which type of record a FHIR resource belongs to. An owner grants access by type, so this table decides
 * what a grant covers. It is versioned; a change of a row is a new version.
 *
 * Order of the rules: (1) a sensitive class, when any code anywhere in the resource, or its security label, is named in
 * `sensitive-codes.ts`; (2) the first row below whose resource type and category match; (3) `other`.
 * Free text is not read: a sensitive fact that stands only in a narrative is not seen.
 */
import type { ResourceFields } from "./bundle.js";
import { sensitiveClassOf } from "./sensitive-codes.js";

export const CATALOGUE_VERSION = 1;

/** All types of version 1, in the order in which people are shown them. */
export const RECORD_TYPES = [
  "demographics",
  "allergy",
  "problem",
  "medication",
  "immunization",
  "laboratory",
  "vital-signs",
  "imaging",
  "procedure",
  "encounter",
  "assessment",
  "social-history",
  "care-plan",
  "document",
  "billing",
  "mental-health",
  "sexual-health",
  "genetics",
  "substance-use",
  "other",
] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** Types kept apart from all others; a grant for them must name them. */
export const SENSITIVE_TYPES: readonly RecordType[] = [
  "mental-health",
  "sexual-health",
  "genetics",
  "substance-use",
];

export const isRecordType = (text: string): text is RecordType =>
  (RECORD_TYPES as readonly string[]).includes(text);

interface CatalogueRow {
  readonly resourceType: string;
  /** Codes of `category`, one of which must be there; a row without them matches any resource of its type. */
  readonly categories?: readonly string[];
  readonly type: RecordType;
}

const row = (resourceType: string, type: RecordType, ...categories: string[]): CatalogueRow => ({
  resourceType,
  type,
  ...(categories.length === 0 ? {} : { categories }),
});

/** Codes of observation-category and v2-0074 (diagnostic service sections), as FHIR R4 binds them. */
const IMAGING_SECTIONS = [
  "RAD",
  "RX",
  "CT",
  "CUS",
  "NMR",
  "NMS",
  "OUS",
  "RUS",
  "VUS",
  "XRC",
  "MRI",
  "imaging",
];
const LABORATORY_SECTIONS = [
  ...["LAB", "CH", "HM", "MB", "BLB", "CG", "CP", "CTH", "IMM", "MCB", "MYC", "OTH", "PAR", "SP", "SR"],
  ...["TX", "URN", "VR", "ICU", "laboratory"],
];

export const CATALOGUE: readonly CatalogueRow[] = [
  row("Observation", "laboratory", "laboratory"),
  // Older exports of Synthea write "vital-sign".
  row("Observation", "vital-signs", "vital-signs", "vital-sign"),
  row("Observation", "imaging", "imaging"),
  row("Observation", "procedure", "procedure"),
  row("Observation", "social-history", "social-history"),
  row("Observation", "assessment", "survey", "exam", "therapy", "activity"),
  row("DiagnosticReport", "imaging", ...IMAGING_SECTIONS),
  row("DiagnosticReport", "genetics", "GE"),
  row("DiagnosticReport", "laboratory", ...LABORATORY_SECTIONS),
  row("DiagnosticReport", "document"),
  row("Specimen", "laboratory"),
  row("MolecularSequence", "genetics"),
  row("ImagingStudy", "imaging"),
  row("Media", "imaging"),
  row("BodyStructure", "imaging"),
  row("Patient", "demographics"),
  row("Person", "demographics"),
  row("RelatedPerson", "demographics"),
  row("AllergyIntolerance", "allergy"),
  row("AdverseEvent", "allergy"),
  row("Condition", "problem"),
  row("DetectedIssue", "problem"),
  row("ClinicalImpression", "problem"),
  row("Medication", "medication"),
  row("MedicationRequest", "medication"),
  row("MedicationStatement", "medication"),
  row("MedicationAdministration", "medication"),
  row("MedicationDispense", "medication"),
  row("Immunization", "immunization"),
  row("ImmunizationEvaluation", "immunization"),
  row("ImmunizationRecommendation", "immunization"),
  row("Procedure", "procedure"),
  row("Device", "procedure"),
  row("DeviceUseStatement", "procedure"),
  row("Encounter", "encounter"),
  row("EpisodeOfCare", "encounter"),
  row("Appointment", "encounter"),
  row("QuestionnaireResponse", "assessment"),
  row("RiskAssessment", "assessment"),
  row("FamilyMemberHistory", "social-history"),
  row("CarePlan", "care-plan"),
  row("CareTeam", "care-plan"),
  row("Goal", "care-plan"),
  row("ServiceRequest", "care-plan"),
  row("NutritionOrder", "care-plan"),
  row("Composition", "document"),
  row("DocumentReference", "document"),
  row("Binary", "document"),
  row("Claim", "billing"),
  row("ClaimResponse", "billing"),
  row("ExplanationOfBenefit", "billing"),
  row("Coverage", "billing"),
  row("Account", "billing"),
  row("ChargeItem", "billing"),
  row("Invoice", "billing"),
];

/** The type of a resource by version {@link CATALOGUE_VERSION} of the catalogue. */
export function typeOfResource(resource: ResourceFields): RecordType {
  const sensitive = sensitiveClassOf(resource);
  if (sensitive !== undefined) return sensitive;
  const categories = categoryCodes(resource.category);
  const match = CATALOGUE.find(
    (each) =>
      each.resourceType === resource.resourceType &&
      (each.categories === undefined || each.categories.some((code) => categories.has(code))),
  );
  return match?.type ?? "other";
}

/** Codes of `category`, which is one CodeableConcept in some resource types and a list in others. */
function categoryCodes(category: unknown): ReadonlySet<string> {
  const concepts = Array.isArray(category) ? category : [category];
  const codes = concepts.flatMap((concept: { coding?: unknown } | undefined | null) =>
    Array.isArray(concept?.coding)
      ? concept.coding.map((coding: { code?: unknown } | null) => coding?.code)
      : [],
  );
  return new Set(codes.filter((code) => typeof code === "string"));
}

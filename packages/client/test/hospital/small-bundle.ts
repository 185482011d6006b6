import { utf8 } from "@consilium/crypto";

/** Four resources of four types: enough to stop between, quick to seal. Synthetic. */
export const smallBundle = utf8(`{"resourceType":"Bundle","type":"collection","entry":[
  {"resource":{"resourceType":"Patient","name":[{"family":"Synthetic","given":["Testpatient"]}]}},
  {"resource":{"resourceType":"AllergyIntolerance","recordedDate":"2020-02-02"}},
  {"resource":{"resourceType":"Observation","category":[{"coding":[{"code":"laboratory"}]}],"valueQuantity":{"value":1.50}}},
  {"resource":{"resourceType":"Procedure","performedDateTime":"2024-05-06"}}]}`);

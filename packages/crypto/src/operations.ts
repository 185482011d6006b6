import { committeeOperations } from "./operations-committee.js";
import { sharingOperations } from "./operations-sharing.js";

/** Every operation on the curves that callers reach through the pool. */
export const operations = { ...sharingOperations, ...committeeOperations };

export type Operations = typeof operations;
export type OperationName = keyof Operations;
export type OperationInput<Name extends OperationName> = Parameters<Operations[Name]>[1];
export type OperationOutput<Name extends OperationName> = ReturnType<Operations[Name]>;

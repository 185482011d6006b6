export * from "./candidacy-duty.js";
export * from "./evidence-duty.js";
export * from "./member-acts.js";

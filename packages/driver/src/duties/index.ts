export * from "./candidacy-duty.js";
export * from "./ceremony-duty.js";
export * from "./ceremony-view.js";

export * from "./ceremony-duty.js";
export * from "./ceremony-view.js";

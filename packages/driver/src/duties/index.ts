export * from "./ceremony-duty.js";

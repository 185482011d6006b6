export * from "./content.js";
export * from "./wallet.js";

export * from "./address-exchange.js";
export * from "./membership.js";
export * from "./peer-book.js";

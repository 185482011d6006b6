export { EpochBook, type EpochBookOptions } from "./epoch-book.js";

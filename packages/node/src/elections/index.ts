export * from "./candidacy-duty.js";
export * from "./election-news.js";
export * from "./evidence-duty.js";
export * from "./member-acts.js";

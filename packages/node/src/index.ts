export {
  type Alliance,
  type AllianceMember,
  createAlliance,
  loadConfig,
  type NodeConfig,
} from "./config/index.js";
export { type RunningNode, startNode } from "./node.js";

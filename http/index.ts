export { createGateway, type Gateway } from './gateway.js';
export { type NodeRequest, type NodeResponse, toNodeHandler } from './node-handler.js';
export type { Founding, GatewayOptions, GatewayUser } from './options.js';
export * from './protocol.js';
export type { GatewaySocket } from './streams/socket-sink.js';

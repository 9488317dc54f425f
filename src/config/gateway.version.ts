/** The version of the gateway, as in package.json. */
export const GATEWAY_VERSION = '0.1.0';

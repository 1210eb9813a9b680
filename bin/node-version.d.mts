/** Types of `node-version.mjs`, which stays plain JavaScript for the sake of old versions of Node.js. */
export interface NodeVersionCheck {
  readonly isSupported: boolean;
  readonly found: string;
  readonly needed: string;
}
export declare const MINIMUM_NODE_VERSION: string;
export declare function checkNodeVersion(version: string): NodeVersionCheck;
export declare function describeOldNode(check: NodeVersionCheck, execPath: string, rootPath?: string): string;

/** ESM-only packages that jest on Node 20 cannot `require` as they are. */
const ESM_ONLY = ['jose', 'node-pg-migrate', '@scure', '@noble'];

/** Folders whose tests need no server, so that `npx jest test/domain` starts none. All others get real ones. */
const WITHOUT_SERVERS = ['channels', 'contracts', 'docs', 'domain', 'platform', 'stack', 'workflows'];

const common = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  transform: {
    '\\.[cm]?[jt]s$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${ESM_ONLY.join('|')})/)`],
};

/** @type {import('jest').Config} */
module.exports = {
  // Tests with real servers share two cores with them; 5 s was too short on a busy machine.
  testTimeout: 20_000,
  // What test files leave behind is never given back: a process with all of them would come to the end of its memory, and
  // spend its time looking for some. One that has grown so far is replaced.
  workerIdleMemoryLimit: '1GB',
  projects: [
    {
      ...common,
      displayName: 'plain',
      testMatch: WITHOUT_SERVERS.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
    },
    {
      ...common,
      displayName: 'real',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: WITHOUT_SERVERS.map((folder) => `<rootDir>/test/${folder}/`),
      globalSetup: '<rootDir>/test/support/globalSetup.ts',
      globalTeardown: '<rootDir>/test/support/globalTeardown.ts',
    },
  ],
};

/** A folder may import itself and what is listed; the comment says why not more. Tests may import everything. */
const only = (folder, allowed, comment) => ({
  name: `${folder}-imports`,
  severity: 'error',
  comment,
  from: { path: `^${folder}/` },
  to: { pathNot: [`^${folder}/`, ...allowed], dependencyTypesNot: folder === 'domain' ? [] : PACKAGES },
});

/** Types of dependencies that are not files of ours: which folder uses which package is not ruled here. */
const PACKAGES = ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer'];

const never = (name, from, to, comment) => ({ name, severity: 'error', comment, from: { path: from }, to });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    never('no-circular', '', { circular: true }, 'a cycle has no first file to read'),
    only(
      'domain',
      ['node_modules/libphonenumber-js/'],
      'the rules of the field depend on nothing but tables of numbers',
    ),
    only('contracts', ['^domain/'], 'shapes are told from the words of the field'),
    only('platform', ['^domain/'], 'what every part stands on cannot stand on a part'),
    only('db', ['^domain/', '^platform/'], 'rows know the rules, and nothing of who asks'),
    only('channels', ['^domain/', '^contracts/', '^platform/'], 'a channel brings messages out; it does not read rows'),
    only(
      'workflows',
      ['^domain/', '^contracts/', '^activities/', '^platform/temporal/searchAttributes'],
      'a workflow is replayed: it may not reach Node or I/O',
    ),
    never(
      'workflows-know-types-only',
      '^workflows/',
      { path: '^(activities|contracts)/', dependencyTypesNot: ['type-only'] },
      'activities are called through proxies, and zod would double the CPU of each workflow',
    ),
    never(
      'workflow-packages',
      '^workflows/',
      {
        dependencyTypes: PACKAGES,
        pathNot: 'node_modules/@temporalio/(workflow|common)/',
      },
      'what the sandbox cannot run would fail at the first task',
    ),
    only(
      'services',
      ['^db/', '^platform/', '^domain/', '^contracts/', '^channels/', '^workflows/[^/]+\\.messages\\.'],
      'a service tells a workflow by its messages only, and knows nothing of HTTP',
    ),
    only(
      'activities',
      ['^services/', '^db/', '^channels/', '^domain/', '^contracts/', '^workflows/[^/]+\\.messages\\.'],
      'an activity is one side effect, made by services and channels',
    ),
    only('workers', ['^activities/', '^workflows/', '^platform/'], 'a worker puts workflows and activities together'),
    only(
      'api',
      ['^services/', '^contracts/', '^domain/', '^platform/', '^db/'],
      'the API translates; what the product can do is in the services',
    ),
    only('sdk', ['^contracts/', '^domain/'], 'the SDK is used without our server beside it'),
    never(
      'sdk-knows-contracts-as-types',
      '^sdk/',
      { path: '^contracts/', dependencyTypesNot: ['type-only'] },
      'zod has no place in a phone',
    ),
    never(
      'composed-not-imported',
      '^(?!(stack|test|cli)/|main\\.ts|program\\.ts)',
      { path: '^(stack|cli|test|main\\.ts|program\\.ts)' },
      'main, cli and stack compose the parts; no part knows them',
    ),
    never('tests-stay-out', '^(?!test/)', { path: '^test/' }, 'the product does not run on its tests'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|\\.countersign)/' },
    // "specify" tells type-only imports from others.
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};

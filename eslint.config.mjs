import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const ENVIRONMENT = 'Only src/config.ts reads the environment; inject Config instead.';

/** Stands on packages of its own, which are only there once it has been measured. */
const TUTORIAL = 'test/bench/rivals/tutorial/';

const globalsOfNode = Object.fromEntries(
  Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly']),
);

const deepImports = {
  patterns: [{ group: ['**/dist/**'], message: 'A package promises its exports, not its files.' }],
};

/** What must not be written anywhere, each with what to do instead. */
const forbiddenSyntax = [
  {
    selector:
      "Decorator[expression.callee.name='Subscription'] Property[key.name=/^(filter|resolve)$/]",
    message:
      'A subscription filter drops events when it throws and passes only `true`: authorise when subscribing and pick recipients in the journal.',
  },
  {
    selector: "CallExpression[callee.name='forwardRef']",
    message: 'A circle of modules is a design fault here: let the arrow point one way.',
  },
  {
    selector: 'ImportSpecifier[imported.name="forwardRef"]',
    message: 'A circle of modules is a design fault here: let the arrow point one way.',
  },
];

export default defineConfig(
  { ignores: ['dist/', 'src/generated/', '.data/', 'coverage/', TUTORIAL] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      // A `default` does not count as having thought of every case.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: true },
      ],
      // Modules, and GraphQL types whose fields come from resolvers, are classes without members.
      '@typescript-eslint/no-extraneous-class': 'off',
      // A GraphQL type is a class only for its decorators; what is returned for it is a plain row.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Text is counted in code points here, which is what spreading it gives.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      'no-restricted-imports': ['error', deepImports],
      'no-restricted-syntax': ['error', ...forbiddenSyntax],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', 250],
      'max-lines-per-function': ['error', { max: 60 }],
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: ENVIRONMENT },
      ],
      'no-restricted-imports': [
        'error',
        {
          ...deepImports,
          paths: [
            { name: 'process', importNames: ['env'], message: ENVIRONMENT },
            { name: 'node:process', importNames: ['env'], message: ENVIRONMENT },
          ],
        },
      ],
    },
  },
  { files: ['src/config.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['src/server.ts'], rules: { 'no-console': 'off' } },
  { files: ['src/**/*.spec.ts'], rules: { 'max-lines': 'off', 'max-lines-per-function': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // What an operation answers is as its text asks, which the compiler cannot know.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  { files: ['**/*.mjs', '**/*.cjs'], languageOptions: { globals: globalsOfNode } },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs' } },
);

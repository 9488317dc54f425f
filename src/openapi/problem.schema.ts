import { PROBLEM_STATUS } from '../problems/problem.codes.js';

const AFFECTED = ['conditions', 'observations', 'patients'];

/** The schema of a problem (RFC 9457) in the OpenAPI document. */
export const PROBLEM_SCHEMA = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string', description: 'Always about:blank.', examples: ['about:blank'] },
    title: { type: 'string', description: 'The HTTP reason phrase.', examples: ['Not Found'] },
    status: { type: 'integer', description: 'The HTTP status code.', examples: [404] },
    code: {
      enum: Object.keys(PROBLEM_STATUS),
      description: 'Stable: it keeps its status and meaning. docs/problems.md explains each one.',
    },
    detail: {
      type: 'string',
      description: 'For people; its words may change.',
      examples: ['The study does not exist.'],
    },
    field: {
      type: 'string',
      description: 'The wrong part of the body, with status 422.',
      examples: ['username'],
    },
    challenge: {
      type: 'string',
      description: 'Identifies the sign-in, if the code is second_factor_required.',
      examples: ['rgc_dGhlIGNoYWxsZW5nZQ'],
    },
    expires_in: {
      type: 'integer',
      description: 'Seconds until the challenge ends.',
      examples: [300],
    },
    methods: {
      type: 'array',
      items: { enum: ['totp', 'passkey', 'recovery_code'] },
      description: 'The second factors that the account can use or add.',
      examples: [['totp', 'recovery_code']],
    },
    enrol: {
      type: 'boolean',
      description: 'Whether the account has no second factor yet and must enrol one of the methods.',
      examples: [false],
    },
    passkey: {
      type: 'object',
      description: 'PublicKeyCredentialRequestOptionsJSON (WebAuthn §5.5).',
      examples: [{ challenge: 'AAAA' }],
    },
    affected: {
      type: 'object',
      description: 'The written records that a confirmed change would also change.',
      properties: Object.fromEntries(
        AFFECTED.map((name) => [
          name,
          { type: 'integer', description: `The number of ${name}.`, examples: [4] },
        ]),
      ),
    },
  },
};

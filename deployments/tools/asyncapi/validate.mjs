// Validates an AsyncAPI document: node validate.mjs FILE. Exits with 1 when it has an error.
import { readFileSync } from 'node:fs';
import parserModule from '@asyncapi/parser';
const { Parser } = parserModule;
const diagnostics = await new Parser().validate(readFileSync(process.argv[2], 'utf8'));
for (const d of diagnostics) console.log(d.severity, d.path.join('.'), d.message);
process.exit(diagnostics.some(d => d.severity === 0) ? 1 : 0);

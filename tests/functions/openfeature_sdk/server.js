// Asks a server for flags through OpenFeature's server SDK: `node server.js URL KEY`, questions as JSON on stdin.
const { OpenFeature } = require('@openfeature/server-sdk');
const { OFREPProvider } = require('@openfeature/ofrep-provider');

const [url, key] = process.argv.slice(2);
const methods = { boolean: 'getBooleanDetails', string: 'getStringDetails', number: 'getNumberDetails', object: 'getObjectDetails' };

async function main() {
  const questions = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers: [['Authorization', `Bearer ${key}`]] }));
  const client = OpenFeature.getClient();
  const answers = [];
  for (const { type, flag, fallback, context } of questions) {
    answers.push(await client[methods[type]](flag, fallback, context));
  }
  console.log(JSON.stringify(answers));
  await OpenFeature.close();
}

main().catch((error) => { console.error(error); process.exit(1); });

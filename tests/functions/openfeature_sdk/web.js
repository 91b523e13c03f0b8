// Asks for flags through OpenFeature's web SDK, which gets all at once: `node web.js URL KEY`.
// stdin: {"contexts": [...], "questions": [{type, flag, fallback}]}; all questions are asked in each context in turn.
const { OpenFeature, ProviderEvents } = require('@openfeature/web-sdk');
const { OFREPWebProvider } = require('@openfeature/ofrep-web-provider');

const [url, key] = process.argv.slice(2);
const methods = { boolean: 'getBooleanDetails', string: 'getStringDetails', number: 'getNumberDetails', object: 'getObjectDetails' };

async function main() {
  const { contexts, questions } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const statuses = [];
  const counted = async (input, init) => {
    const response = await fetch(input, init);
    statuses.push(response.status);
    return response;
  };
  await OpenFeature.setContext(contexts[0]);
  const provider = new OFREPWebProvider({ baseUrl: url, fetchImplementation: counted, headers: [['Authorization', `Bearer ${key}`]] });
  await OpenFeature.setProviderAndWait(provider);
  const client = OpenFeature.getClient();
  const answers = [];
  for (const [index, context] of contexts.entries()) {
    if (index > 0) await OpenFeature.setContext(context);
    answers.push(questions.map(({ type, flag, fallback }) => client[methods[type]](flag, fallback)));
  }
  console.log(JSON.stringify({ answers, statuses }));
  await OpenFeature.close();
}

main().catch((error) => { console.error(error); process.exit(1); });

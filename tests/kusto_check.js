// Reads {queries, tables, package} from standard input and writes what KQL's language service says of each query.
const { queries, tables, package: home } = JSON.parse(require("fs").readFileSync(0, "utf8"));
require(`${home}/bridge.js`);
require(`${home}/Kusto.Language.Bridge.js`);
const { Symbols, GlobalState, KustoCode, Diagnostic } = Kusto.Language;
const known = Object.entries(tables).map(([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, null));
const members = new (System.Collections.Generic.List$1(Symbols.Symbol).$ctor1)(known);
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor3("logs", null, members, false));
const each = (list, type) => Array.from({ length: list.Count }, (_, at) => System.Array.getItem(list, at, type));

function look(text) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const columns = code.ResultType && code.ResultType.Columns ? each(code.ResultType.Columns, Symbols.ColumnSymbol) : [];
  return {
    problems: each(code.GetDiagnostics(), Diagnostic).map((found) => `${found.Code} ${found.Message}`),
    columns: columns.map((column) => `${column.Name}: ${column.Type.Name}`),
    tokens: each(code.Syntax.GetTokens(false), Kusto.Language.Syntax.SyntaxToken).map((token) => [token.Text, token.Value]),
  };
}

console.log(JSON.stringify(Object.fromEntries(Object.entries(queries).map(([name, text]) => [name, look(text)]))));

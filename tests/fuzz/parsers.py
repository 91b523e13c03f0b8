"""The table of every parser of what comes from outside, by name.

`test_table` holds it to the code: a parser in `shared/wire` that no seed here reaches fails a test.
"""

from tests.fuzz.parser import Parser
from tests.fuzz.table.archives import ARCHIVES
from tests.fuzz.table.azure import AZURE
from tests.fuzz.table.files import FILES
from tests.fuzz.table.flags import FLAGS
from tests.fuzz.table.foreign import FOREIGN
from tests.fuzz.table.http import HTTP
from tests.fuzz.table.laptop import LAPTOP
from tests.fuzz.table.letters import LETTERS
from tests.fuzz.table.peers import PEERS
from tests.fuzz.table.requests import BODIES
from tests.fuzz.table.rows import ROWS
from tests.fuzz.table.stored import STORED
from tests.fuzz.table.texts import TEXTS

PARSERS: tuple[Parser, ...] = (
    *BODIES,
    *FLAGS,
    *PEERS,
    *TEXTS,
    *STORED,
    *ROWS,
    *LETTERS,
    *ARCHIVES,
    *FILES,
    *FOREIGN,
    *AZURE,
    *HTTP,
    *LAPTOP,
)
BY_NAME = {parser.name: parser for parser in PARSERS}

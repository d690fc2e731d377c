"""How much is read of what a user names: the limits of files, stated in one place.

Each is checked in time linear in what was read, before what is beyond it costs memory. They are listed in
docs/reference/limits.md.
"""

MIB = 1 << 20

#: Columns of a table, and bytes (UTF-8) of the name of one, of one cell, and of one line of a CSV file.
MOST_COLUMNS = 4_096
MOST_NAME_BYTES = 1_024
MOST_CELL_BYTES = MIB
MOST_LINE_BYTES = 2 * MIB
#: Files that are one table.
MOST_PARTS = 10_000

#: Bytes of a YAML file (a config, a mapping, a catalogue), also with each alias written out; aliases in it.
MOST_YAML_BYTES = MIB
MOST_ALIASES = 100
#: Signs of one number or date in YAML.
MOST_NUMBER_SIGNS = 64
#: Bytes of a JSON file.
MOST_JSON_BYTES = 16 * MIB
#: Levels of lists and mappings within each other, of YAML and JSON.
MOST_LEVELS = 50

#: What a packed file may unpack to: so many times the bytes unpacked so far, beyond the first 256 MiB.
MOST_TIMES = 200
MOST_FREE_BYTES = 256 * MIB
MOST_UNPACKED_BYTES = 1 << 36

#: Rows that a Parquet file may say to have, beyond `MOST_TIMES` for each of its bytes.
MOST_FREE_ROWS = 1_000_000
#: Bytes of the footer of a Parquet file, and entries of all lists in it.
MOST_FOOTER_BYTES = 16 * MIB
MOST_FOOTER_ENTRIES = 500_000

"""What each module of this folder attacks: the promise, as the documentation states it."""

PROMISES: dict[str, str] = {
    "test_secrets": "No password, token or key, whole, encoded or in pieces, stands on a stream, in "
    "an error, a report or what is kept of a run: of a variable, a mapping, a config or an option.",
    "test_stores": "A tracking store that is silent, endless, damaged or oddly named ends in one clear line "
    "within a stated time, and its files lie in its folder whatever that is called.",
    "test_bounded_reading": "Only regular files below the root are read, within stated limits that are "
    "checked in linear time: no pipe, device, link, bomb, endless line or nesting hangs or fills the memory.",
    "test_read_only_sources": "A source is read and nothing else: no query or view of a database writes, "
    "attaches, loads, looks out of the root or goes on without end, and no spilled row outlives a kill.",
    "test_pyfunc_input": "A served model refuses bad input in one sentence that has no cell of it.",
    "test_personal_data": "No cell of a person stands in a message, a report or a run; ignored columns reach "
    "no derived file, and personal ones only as keyed pseudonyms.",
    "test_private_files": "Derived folders and files are open to their owner alone from their creation, "
    "under any umask; lists and exports to a declared group too, and a planted link leads nowhere.",
    "test_fuzz": "Whatever stands in a file, a variable or a command line: a command ends by a documented "
    "exit code and one clear error, without trace, hang over 20 s, growth over 2 GB or writing elsewhere.",
    "test_artefacts": "An edited file of a model with right sums is refused with exit code 4 or scores as it "
    "says: no crash, hang, pickle or growth; and another folder than the registered one is none.",
}

"""What a stage keeps of a run before."""

import json

from experiments.runs.cells import Cells


def test_a_run_that_made_nothing_leaves_an_index_wherever_its_folder_is(tmp_path):
    for _ in range(2):  # the folder is not there, then it is
        Cells(tmp_path / "results/own").close()
        assert json.loads((tmp_path / "results/own/cells.json").read_text()) == {}

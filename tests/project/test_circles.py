"""No module imports another that imports it, by whatever way: else what works depends on who is imported first."""

from graphlib import TopologicalSorter

import grimp


def test_no_module_is_in_a_circle_of_imports() -> None:
    graph = grimp.build_graph("services", "shared", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    order = tuple(TopologicalSorter(imports).static_order())

    assert len(order) == len(imports) > 400

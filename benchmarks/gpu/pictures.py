"""Folders of JPEGs with the statistics of photographs."""

from PIL import Image

from benchmark.datasets.dead_leaves import dead_leaves


def folder(at, width, height, count):
    """Write ``count`` pieces of a few pictures of dead leaves, unless they are there; returns their paths."""
    paths = [at / f"{width}x{height}" / f"{index:03d}.jpg" for index in range(count)]
    if all(path.is_file() for path in paths):
        return paths
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    squares = [dead_leaves(max(width, height), seed) for seed in range(min(4, count))]
    for index, path in enumerate(paths):
        piece = squares[index % len(squares)].roll((13 * index, 7 * index), dims=(1, 2))[:, :height, :width]
        pixels = (piece * 255).byte().permute(1, 2, 0).contiguous().numpy()
        Image.fromarray(pixels).save(path, quality=92)
    return paths

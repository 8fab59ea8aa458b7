"""The stages of the pipeline: a module a stage, named as in ``dvc.yaml``, each a process."""

from experiments import process

process.begin()

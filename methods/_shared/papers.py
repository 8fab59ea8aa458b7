"""BibTeX entries that several methods share, as the papers' own pages give them."""

QUALICLIP = """@article{agnolucci2024qualityaware,
  title = {Quality-Aware Image-Text Alignment for Opinion-Unaware Image Quality Assessment},
  author = {Agnolucci, Lorenzo and Galteri, Leonardo and Bertini, Marco},
  journal = {arXiv preprint arXiv:2403.11176}, year = {2024}
}"""

ARNIQA = """@inproceedings{agnolucci2024arniqa,
  title = {{ARNIQA}: Learning Distortion Manifold for Image Quality Assessment},
  author = {Agnolucci, Lorenzo and Galteri, Leonardo and Bertini, Marco and Del Bimbo, Alberto},
  booktitle = {Proceedings of the IEEE/CVF Winter Conference on Applications of Computer Vision},
  pages = {189--198}, year = {2024}
}"""

CLIPIQA = """@inproceedings{wang2023exploring,
  title = {Exploring {CLIP} for Assessing the Look and Feel of Images},
  author = {Wang, Jianyi and Chan, Kelvin C. K. and Loy, Chen Change},
  booktitle = {Proceedings of the AAAI Conference on Artificial Intelligence},
  volume = {37}, pages = {2555--2563}, year = {2023}
}"""

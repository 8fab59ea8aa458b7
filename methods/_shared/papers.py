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

CONTRIQUE = """@article{madhusudana2022image,
  title = {Image Quality Assessment Using Contrastive Learning},
  author = {Madhusudana, Pavan C. and Birkbeck, Neil and Wang, Yilin and Adsumilli, Balu and Bovik, Alan C.},
  journal = {IEEE Transactions on Image Processing},
  volume = {31}, pages = {4149--4161}, year = {2022}
}"""

REIQA = """@inproceedings{saha2023reiqa,
  title = {{Re-IQA}: Unsupervised Learning for Image Quality Assessment in the Wild},
  author = {Saha, Avinab and Mishra, Sandeep and Bovik, Alan C.},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages = {5846--5855}, year = {2023}
}"""

GREPQ = """@inproceedings{srinath2024learning,
  title = {Learning Generalizable Perceptual Representations for Data-Efficient No-Reference Image Quality
    Assessment},
  author = {Srinath, Suhas and Mitra, Shankhanil and Rao, Shika and Soundararajan, Rajiv},
  booktitle = {Proceedings of the IEEE/CVF Winter Conference on Applications of Computer Vision},
  pages = {22--31}, year = {2024}
}"""

MACLIP = """@article{liao2025beyond,
  title = {Beyond Cosine Similarity: Magnitude-Aware {CLIP} for No-Reference Image Quality Assessment},
  author = {Liao, Zhicheng and Wu, Dongxu and Shi, Zhenshan and Mai, Sijie and Zhu, Hanwei and Zhu, Lingyu
    and Jiang, Yuncheng and Chen, Baoliang},
  journal = {arXiv preprint arXiv:2511.09948}, year = {2025}
}"""

DUBMA = """@inproceedings{wang2025dubma,
  title = {Deep Opinion-Unaware Blind Image Quality Assessment by Learning and Adapting from Multiple
    Annotators},
  author = {Wang, Zhihua and Liu, Xuelin and Yan, Jiebin and Wen, Jie and Wang, Wei and Huang, Chao},
  booktitle = {Proceedings of the Thirty-Fourth International Joint Conference on Artificial Intelligence},
  pages = {2036--2044}, year = {2025}
}"""

MDFS = """@article{ni2024opinion,
  title = {Opinion-Unaware Blind Image Quality Assessment using Multi-Scale Deep Feature Statistics},
  author = {Ni, Zhangkai and Liu, Yue and Ding, Keyan and Yang, Wenhan and Wang, Hanli and Wang, Shiqi},
  journal = {IEEE Transactions on Multimedia},
  volume = {26}, pages = {10211--10224}, year = {2024}
}"""

"""BibTeX for the training method of a checkpoint."""

from __future__ import annotations

from ..config import Loss

_SOFT = """@misc{park2024softcontrastive,
  title = {Improving Multi-lingual Alignment Through Soft Contrastive Learning},
  author = {Park, Minsu and Choi, Seyeon and Choi, Chanyeol and Kim, Jun-Seong and Sohn, Jy-yong},
  year = {2024},
  eprint = {2405.16155},
  archivePrefix = {arXiv}
}"""
_MSE = """@inproceedings{reimers2020multilingual,
  title = {Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation},
  author = {Reimers, Nils and Gurevych, Iryna},
  booktitle = {Proceedings of EMNLP 2020},
  year = {2020},
  eprint = {2004.09813},
  archivePrefix = {arXiv}
}"""
_RANKING = """@inproceedings{yang2020muse,
  title = {Multilingual Universal Sentence Encoder for Semantic Retrieval},
  author = {Yang, Yinfei and Cer, Daniel and Ahmad, Amin and Guo, Mandy and Law, Jax and Constant, Noah and
            Hernandez Abrego, Gustavo and Yuan, Steve and Tar, Chris and Sung, Yun-hsuan and Strope, Brian and
            Kurzweil, Ray},
  booktitle = {Proceedings of ACL 2020: System Demonstrations},
  year = {2020},
  eprint = {1907.04307},
  archivePrefix = {arXiv}
}"""

CITATIONS: dict[Loss, str] = {"soft-contrastive": _SOFT, "embedding-mse": _MSE, "translation-ranking": _RANKING}

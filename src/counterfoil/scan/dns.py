"""DNS as values, under the name that the scanner's modules use; the words themselves are the model's."""

from counterfoil.model.dns import Answer, Asking, Question, RecordType, Status

__all__ = ["Answer", "Asking", "Question", "RecordType", "Status"]

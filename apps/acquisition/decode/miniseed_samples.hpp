#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "acquisition/decode/miniseed.hpp"

namespace daq::decode {

/// The samples of records, by libmseed. Its msr_unpack() trusts what stands in a record (a blockette 2000 shorter than its own
/// head is copied as 64 KiB; the length of a record is what blockette 1000 says, whatever was given), its decoders of plain
/// numbers read as many as the header promises, and a damaged Steim record is a line on stderr, not an error. So it sees samples
/// only, checked and copied to where numbers may lie, and what it says is thrown away. Thread: the decoder's.
class RecordSamples {
 public:
  RecordSamples();
  ~RecordSamples();
  RecordSamples(const RecordSamples&) = delete;
  RecordSamples& operator=(const RecordSamples&) = delete;

  struct Result {
    ledger::Skip why = ledger::Skip::Count;  ///< Count: they are appended
    std::string place{};
    bool whole = false;  ///< all of them are whole numbers: none is NaN or infinite
  };
  /// Appends header.n_samples values, as they stand there, NaN and infinite ones too. @param record  all of its bytes
  [[nodiscard]] Result unpack(const RecordHeader& header, std::span<const char> record, std::vector<double>& out);

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace daq::decode

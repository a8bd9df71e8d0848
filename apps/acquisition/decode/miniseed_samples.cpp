#include "acquisition/decode/miniseed_samples.hpp"

#include <libmseed.h>
#undef bit  // a macro of its own, in the way of all that is compiled behind it

#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

namespace daq::decode {

namespace {

constexpr std::size_t kHeadRoom = 128;  // before the samples: no record of libmseed is shorter
constexpr std::size_t kSteimFrame = 64;

/// The most samples that an encoding can have in so many bytes; 0: libmseed does not know it.
std::size_t most_samples(int encoding, std::size_t bytes) {
  constexpr std::size_t kWords = 15;  // of a frame, beside the word that says what they hold
  switch (encoding) {
    case DE_INT16:
    case DE_GEOSCOPE163:
    case DE_GEOSCOPE164:
    case DE_CDSN:
    case DE_SRO:
    case DE_DWWSSN:
      return bytes / 2;
    case DE_GEOSCOPE24:
      return bytes / 3;
    case DE_INT32:
    case DE_FLOAT32:
      return bytes / 4;
    case DE_FLOAT64:
      return bytes / 8;
    case DE_STEIM1:
      return bytes / kSteimFrame * kWords * 4;
    case DE_STEIM2:
      return bytes / kSteimFrame * kWords * 7;
    default:
      return 0;
  }
}

bool is_steim(int encoding) { return encoding == DE_STEIM1 || encoding == DE_STEIM2; }

void say_nothing(char* /*message*/) {}

/// The last sample, as the first frame of a Steim record repeats it.
std::int32_t steim_last(const char* frame, bool big_endian) {
  std::uint32_t word = 0;
  std::memcpy(&word, frame + 8, sizeof word);
  if (big_endian == (std::endian::native == std::endian::little)) word = __builtin_bswap32(word);
  return static_cast<std::int32_t>(word);
}

}  // namespace

struct RecordSamples::Library {
  Library() : record{msr_init(nullptr)} {
    if (record == nullptr) throw std::bad_alloc{};
    record->fsdh = static_cast<fsdh_s*>(std::calloc(1, sizeof(fsdh_s)));  // it frees it
    if (record->fsdh == nullptr) {
      msr_free(&record);
      throw std::bad_alloc{};
    }
    record->fsdh->data_offset = kHeadRoom;
  }
  ~Library() { msr_free(&record); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  MSRecord* record;
  alignas(8) std::array<char, kHeadRoom + kMostRecord> bytes{};
};

RecordSamples::RecordSamples() : library_{std::make_unique<Library>()} {
  ms_loginit(say_nothing, "", say_nothing, "");  // all it has that is global and that we reach
}
RecordSamples::~RecordSamples() = default;

RecordSamples::Result RecordSamples::unpack(const RecordHeader& header, std::span<const char> record, std::vector<double>& out) {
  const auto data = record.subspan(std::min(header.data_at, record.size()));
  const auto most = most_samples(header.encoding, data.size());
  if (header.data_at == 0 || data.size() > kMostRecord) return {ledger::Skip::BadValue, "offset of the samples"};
  if (most == 0) return {ledger::Skip::BadValue, "encoding " + std::to_string(header.encoding)};
  if (header.n_samples > most) return {ledger::Skip::BadValue, "number of samples"};
  auto& msr = *library_->record;
  std::memcpy(library_->bytes.data() + kHeadRoom, data.data(), data.size());
  msr.record = library_->bytes.data();
  msr.reclen = static_cast<std::int32_t>(kHeadRoom + data.size());
  msr.samplecnt = static_cast<std::int64_t>(header.n_samples);
  msr.encoding = static_cast<flag>(header.encoding);
  const bool swap = header.big_endian == (std::endian::native == std::endian::little);
  const auto n = msr_unpack_data(&msr, swap ? 1 : 0, 0);
  if (n < 0 || static_cast<std::size_t>(n) != header.n_samples) return {ledger::Skip::BadValue, "samples"};
  const auto append = [&]<class T>(const T* values) { out.insert(out.end(), values, values + n); };
  if (msr.sampletype == 'i')
    append(static_cast<const std::int32_t*>(msr.datasamples));
  else if (msr.sampletype == 'f')
    append(static_cast<const float*>(msr.datasamples));
  else
    append(static_cast<const double*>(msr.datasamples));
  if (is_steim(header.encoding) && out.back() != steim_last(data.data(), header.big_endian)) {
    out.resize(out.size() - static_cast<std::size_t>(n));
    return {ledger::Skip::BadCheck, "last sample"};
  }
  return {.whole = msr.sampletype == 'i'};
}

}  // namespace daq::decode

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>

#include "acquisition/decode/miniseed.hpp"
#include "support/python.hpp"
#include "support/support.hpp"

/// Records of many makers and kinds, whole and damaged: those that obspy is tested with, against what obspy reads in them.
namespace {

using namespace daq::decode;

struct Decoded {
  std::array<std::uint64_t, daq::ledger::kSkips> skipped{};
  std::vector<double> values;
  std::map<std::size_t, mth5::UtcNanos> starts;  ///< of frames, by the number of their first value
};

Decoded decoded(const std::string& bytes, const std::string& id, double rate) {
  const auto decoder =
      make_miniseed_decoder({.codes = {id.ends_with('.') ? id + "*" : id}, .sample_rate = rate, .n_channels = 1});
  Batch out;
  decoder->feed({.bytes = bytes}, out);
  decoder->end_of_stream(out);
  const auto& c = decoder->counters();
  EXPECT_EQ(c.bytes_in, c.bytes_decoded + daq::ledger::sum(c.bytes_skipped));
  Decoded all{c.bytes_skipped, std::move(out.samples), {}};
  for (const auto& frame : out.frames) all.starts[frame.first] = frame.time;
  return all;
}

std::vector<double> doubles(const std::filesystem::path& path) {
  const auto bytes = support::read_text(path);
  std::vector<double> values(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
  return values;
}

TEST(MiniSeedRecordings, AreWhatObspyReads) {
  const support::TempDir dir;
  const auto files = support::python("integration/miniseed_expected.py", {dir.path().string()});
  ASSERT_GT(files.size(), 55u);
  std::size_t n_values = 0, n_texts = 0;
  for (const auto& file : files) {
    const std::filesystem::path path{file.at("file").get<std::string>()};
    const auto name = path.filename().string();
    SCOPED_TRACE(name);
    const auto bytes = support::read_text(path);
    if (file.contains("error")) {
      EXPECT_EQ(decoded(bytes, "*", 200).values.size(), 0u);
    }
    std::map<std::string, std::size_t> at;  // number of the next value of an id
    std::map<std::string, Decoded> ours;
    for (const auto& trace : file.at("traces")) {
      const auto id = trace.at("id").get<std::string>();
      const auto rate = trace.at("rate").get<double>();
      if (rate <= 0 || trace.at("n") == 0) continue;
      if (trace.at("text")) {
        EXPECT_GT(decoded(bytes, id, rate).skipped[static_cast<std::size_t>(daq::ledger::Skip::OtherRecord)], 0u);
        ++n_texts;
        continue;
      }
      if (!ours.contains(id)) ours[id] = decoded(bytes, id, rate);
      const auto n = trace.at("n").get<std::size_t>();
      const auto start = ours[id].starts.find(at[id]);
      EXPECT_NE(start, ours[id].starts.end()) << id << " has a record that begins with value " << at[id];
      if (start == ours[id].starts.end()) continue;
      EXPECT_EQ(start->second.time_since_epoch().count(), trace.at("start_ns").get<std::int64_t>()) << id;
      at[id] += n;
    }
    for (const auto& [id, one] : ours) {
      const auto expected = doubles(dir / (std::to_string(file.at("number").get<int>()) + "." + id));
      EXPECT_EQ(one.values.size(), expected.size()) << id;
      if (one.values.size() != expected.size()) continue;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        if (std::isfinite(expected[i]))
          ASSERT_EQ(one.values[i], expected[i]) << id << " " << i;
        else
          ASSERT_TRUE(std::isnan(one.values[i])) << id << " " << i;
      }
      n_values += expected.size();
    }
  }
  EXPECT_GT(n_values, 300'000u);
  EXPECT_EQ(n_texts, 4u);
}

}  // namespace

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mth5/file.hpp"

namespace support {

/// int32, never 0, different for every channel, run and index.
inline std::int32_t sample_at(std::size_t channel, std::size_t run, std::int64_t index) {
  return static_cast<std::int32_t>((index * 31 + static_cast<std::int64_t>(channel) * 7 + static_cast<std::int64_t>(run) * 3) %
                                   1'000'003) +
         1;
}

/// Samples [first, first + n) of all three channels of a run of a TestWriter, appended.
void append_numbered(mth5::File& file, mth5::RunId id, std::size_t run, std::int64_t n);

/// A recorder with less to say: survey TEST, station S1, runs r0, r1, … of ex, ey, hx at 100 Hz from 2026-05-01, a table of gaps.
/// Live once it is made. Thread: one; the process must hold no reader of the file.
class TestWriter {
 public:
  /// @param chunk  samples: the shorter, the longer the index that grows with them
  /// @param later  than start() the first run begins
  explicit TestWriter(const std::filesystem::path& path, std::size_t chunk = 64, std::string station_id = "S1",
                      std::chrono::nanoseconds later = {}, std::string survey_id = "TEST")
      : file_{mth5::File::create(path)},
        chunk_{chunk},
        station_{std::move(station_id)},
        survey_{std::move(survey_id)},
        later_{later} {
    mth5::Metadata survey{mth5::Kind::Survey};
    survey.set("id", survey_);
    mth5::Metadata station{mth5::Kind::Station};
    station.set("id", station_);
    file_.edit([&](mth5::Edit& edit) {
      edit.add_survey(survey);
      edit.add_station(survey_, station);
      gaps_ = edit.add_table(gap_table());
      add(edit, {});
    });
    file_.start_swmr();
  }

  static const std::vector<std::string>& components() {
    static const std::vector<std::string> names{"ex", "ey", "hx"};
    return names;
  }
  static mth5::UtcNanos start() { return mth5::UtcNanos{std::chrono::seconds{1'777'593'600}}; }

  /// Gaps as files of layout 1 of /Acquisition have them, by source; AcquisitionFile writes those of layout 2.
  static mth5::TableSpec gap_table() {
    using Type = mth5::Column::Type;
    return {"gaps",
            {{"source", Type::Int64, 0, ""},
             {"station", Type::Text, 30, ""},
             {"start", Type::Int64, 0, "ns"},
             {"samples", Type::Int64, 0, ""},
             {"reason", Type::Text, 24, ""},
             {"run_before", Type::Text, 20, ""},
             {"run_after", Type::Text, 20, ""},
             {"filled", Type::Int64, 0, ""}},
            "missing samples",
            16};
  }

  /// @param after  from the start of the first run
  void new_run(std::chrono::nanoseconds after) {
    file_.edit([&](mth5::Edit& edit) {
      edit.finish_run(runs_.back());
      add(edit, after);
    });
  }
  /// The same without an end of the runs before it.
  void add_run(std::chrono::nanoseconds after) {
    file_.edit([&](mth5::Edit& edit) { add(edit, after); });
  }
  void append(std::int64_t n) { append_to(runs_.size() - 1, n); }
  void append_to(std::size_t run, std::int64_t n) { append_numbered(file_, runs_[run], run, n); }
  /// @param start_ns  UTC of the first missing sample
  void append_gap(std::int64_t start_ns, std::int64_t samples, std::string_view reason, std::string_view before,
                  std::string_view after, bool filled) {
    mth5::Rows rows{gap_table()};
    rows.add(std::int64_t{0});
    rows.add(station_);
    rows.add(start_ns);
    rows.add(samples);
    rows.add(reason);
    rows.add(before);
    rows.add(after);
    rows.add(std::int64_t{filled});
    file_.append_rows(gaps_, rows);
  }
  [[nodiscard]] std::int64_t n_samples(std::size_t run) const { return file_.n_samples(runs_[run]); }
  [[nodiscard]] mth5::File& file() { return file_; }

 private:
  void add(mth5::Edit& edit, std::chrono::nanoseconds after) {
    mth5::Metadata run{mth5::Kind::Run};
    run.set("id", "r" + std::to_string(runs_.size()));
    run.set("sample_rate", 100.0);
    std::vector<mth5::ChannelSpec> channels;
    for (const auto& component : components()) {
      mth5::Metadata channel{component[0] == 'e' ? mth5::Kind::Electric : mth5::Kind::Magnetic};
      channel.set("component", component);
      channel.set("units", std::string{"digital counts"});
      channels.push_back({channel, mth5::SampleType::Int32, chunk_});
    }
    runs_.push_back(edit.add_run(survey_, station_, run, start() + later_ + after, channels));
  }

  mth5::File file_;
  std::size_t chunk_;
  std::string station_, survey_;
  std::chrono::nanoseconds later_;
  mth5::TableId gaps_;
  std::vector<mth5::RunId> runs_;
};

inline void append_numbered(mth5::File& file, mth5::RunId id, std::size_t run, std::int64_t n) {
  const std::int64_t at = file.n_samples(id);
  std::vector<std::int32_t> block;
  for (std::size_t c = 0; c < TestWriter::components().size(); ++c)
    for (std::int64_t i = 0; i < n; ++i) block.push_back(sample_at(c, run, at + i));
  const auto size = static_cast<std::size_t>(n);
  file.append(id, mth5::Matrix<const std::int32_t>{block.data(), TestWriter::components().size(), size, size});
}

}  // namespace support

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "mth5/file.hpp"
#include "scenario.hpp"
#include "truth.hpp"

/// crash_writer SCENARIO SEED FILE [FLUSHES]: does to a new file what the scenario says, by libmth5's public face alone. Before
/// and after each commit it notes in the recorder's log what the commit promises:
///   try STATE   from here on the file may be in this state
///   visible N   flush() of commit N returned: it survives the death of the process
///   durable N   sync(), edit(), close() or start_swmr() returned: it survives a power cut
///   from        power cuts before the last of these are of no interest to the scenario
extern "C" void crash_note(const char* text) __attribute__((weak));  // of the recorder or of console.cpp, if it is there

namespace crash {
namespace {

void note(const std::string& text) {
  if (crash_note != nullptr) crash_note(text.c_str());
}

mth5::UtcNanos start_of(std::size_t nth_run) { return mth5::UtcNanos{std::chrono::seconds{1'777'593'600 + 36'000 * nth_run}}; }

mth5::Metadata with_id(mth5::Kind kind, const std::string& id) {
  mth5::Metadata metadata{kind};
  metadata.set("id", id);
  return metadata;
}

class Writer {
 public:
  /// A new file.
  Writer(const Scenario& scenario, std::uint64_t seed, const std::filesystem::path& path)
      : scenario_{scenario}, random_{seed}, file_{mth5::File::create(path)} {
    file_.edit([&](mth5::Edit& edit) {
      edit.add_survey(with_id(mth5::Kind::Survey, kSurvey));
      add_station(edit, "S1");
      ledger_ = edit.add_table(ledger_table());
      gaps_ = edit.add_table(gaps_table());
      open_.push_back(add_run(edit, "S1", scenario_.channels));
    });
    note("from");  // before this the file has a hidden name, and nothing was promised
    note("try " + state_.text());
    file_.start_swmr();
    acknowledge("durable");
  }
  /// One that exists.
  Writer(const Scenario& scenario, std::uint64_t seed, const std::filesystem::path& path, const State& state)
      : scenario_{scenario}, random_{seed}, state_{state}, file_{mth5::File::open(path, "r+", {.swmr = true})} {
    acknowledge("durable");
    const auto& last = state_.runs.back();
    file_.edit([&](mth5::Edit& edit) {
      ledger_ = edit.add_table(ledger_table());
      gaps_ = edit.add_table(gaps_table());
    });
    open_.push_back({state_.runs.size() - 1, file_.open_run(kSurvey, last.station, last.run)});
    if (file_.n_samples(open_.back().id) != last.samples)
      throw std::runtime_error{"samples are missing after the file was opened"};
  }

  void record() {
    for (int i = 1; i <= scenario_.flushes; ++i) {
      if (i == scenario_.cuts_from) note("from");
      if (i == scenario_.large_edit_at) large_edit();
      if (scenario_.roll_every > 0 && i % scenario_.roll_every == 0) roll();
      if (scenario_.edit_every > 0 && i % scenario_.edit_every == 0) small_edit(i / scenario_.edit_every);
      append();
      if (scenario_.gaps_every > 0 && i % scenario_.gaps_every == 0) {
        mth5::Rows rows{gaps_table()};
        add_gaps_row(rows, state_.gaps++);
        file_.append_rows(gaps_, rows);
      }
      commit(i % scenario_.sync_every == 0);
    }
  }

  /// Appends one batch to one of the open runs; not committed.
  void append() {
    const OpenRun& target = open_[random_.below(open_.size())];
    RunState& run = state_.runs[target.index];
    const std::size_t n = scenario_.batch_min + random_.below(scenario_.batch_max - scenario_.batch_min + 1);
    if (scenario_.type == mth5::SampleType::Float64)
      append_as<double>(target.id, run, n);
    else
      append_as<std::int32_t>(target.id, run, n);
    run.samples += static_cast<std::int64_t>(n);
  }

  void close() {
    ++state_.commit;
    note("try " + state_.text());
    file_.close();
    acknowledge("durable");
  }

  [[nodiscard]] const State& state() const { return state_; }

 private:
  struct OpenRun {
    std::size_t index;  ///< in state_.runs
    mth5::RunId id;
  };

  template <class T>
  void append_as(mth5::RunId id, const RunState& run, std::size_t n) {
    const auto channels = static_cast<std::size_t>(run.channels);
    std::vector<T> values(channels * n);
    for (std::size_t c = 0; c < channels; ++c) {
      const auto key = channel_key(run.path() + "/" + component_name(c));
      for (std::size_t i = 0; i < n; ++i)
        values[scenario_.interleaved ? i * channels + c : c * n + i] =
            static_cast<T>(sample(key, run.samples + static_cast<std::int64_t>(i)));
    }
    if (scenario_.interleaved)
      file_.append_interleaved<T>(id, values);
    else
      file_.append(id, mth5::Matrix<const T>{values.data(), channels, n, n});
  }

  void acknowledge(const char* how) const { note(std::string{how} + " " + std::to_string(state_.commit)); }

  void commit(bool durable) {
    ++state_.commit;
    if (durable) {
      mth5::Rows rows{ledger_table()};
      add_ledger_row(rows, state_.commit, state_.samples());
      file_.append_rows(ledger_, rows);
      ++state_.ledger;
    }
    note("try " + state_.text());
    if (durable)
      file_.sync();
    else
      file_.flush();
    acknowledge(durable ? "durable" : "visible");
  }

  /// An edit is one commit: what was appended before it may be seen without it, never it without that.
  template <class Change>
  void edit(Change change) {
    ++state_.commit;
    note("try " + state_.text());
    ++state_.commit;
    file_.edit([&](mth5::Edit& e) {
      change(e);
      note("try " + state_.text());  // nothing of it is in the file before edit() comes to its end
    });
    acknowledge("durable");
  }

  void add_station(mth5::Edit& edit, const std::string& id) {
    mth5::Metadata station = with_id(mth5::Kind::Station, id);
    station.set("location.latitude", 47.5);
    station.set("location.longitude", 8.5);
    edit.add_station(kSurvey, station);
    state_.stations.push_back(id);
  }

  [[nodiscard]] mth5::ChannelSpec channel(std::size_t c) const {
    const std::string name = component_name(c);
    mth5::Metadata metadata{name[0] == 'e'   ? mth5::Kind::Electric
                            : name[0] == 'h' ? mth5::Kind::Magnetic
                                             : mth5::Kind::Auxiliary};
    metadata.set("component", name);
    metadata.set("units", std::string{"digital counts"});
    return {metadata, scenario_.type, scenario_.chunk};
  }

  /// @returns the run, open; its name sorts after those of all runs of stations that sort before or with it
  OpenRun add_run(mth5::Edit& edit, const std::string& station, std::size_t channels) {
    const std::size_t nth = state_.runs.size();
    char name[8];
    std::snprintf(name, sizeof name, "r%03zu", nth);
    mth5::Metadata run = with_id(mth5::Kind::Run, name);
    run.set("sample_rate", kRate);
    std::vector<mth5::ChannelSpec> specs;
    for (std::size_t c = 0; c < channels; ++c) specs.push_back(channel(c));
    const auto id = edit.add_run(kSurvey, station, run, start_of(nth), specs);
    state_.runs.push_back({station, name, static_cast<std::int64_t>(channels), 0});
    return {nth, id};
  }

  void roll() {
    edit([&](mth5::Edit& e) {
      e.finish_run(open_.back().id);
      open_.back() = add_run(e, state_.runs.back().station, scenario_.channels);
    });
  }

  void large_edit() {
    edit([&](mth5::Edit& e) {
      for (int i = 2; i < 10; ++i) {
        const std::string station = "S" + std::to_string(i);
        add_station(e, station);
        open_.push_back(add_run(e, station, scenario_.channels));
      }
    });
  }

  void small_edit(int nth) {
    const std::string station = state_.stations.back();
    switch (nth % 4) {
      case 1:
        return edit([&](mth5::Edit& e) { fresh_ = add_run(e, station, 3); });
      case 2:  // the new run has had no samples until now
        edit([&](mth5::Edit& e) {
          e.add_channel(fresh_.id, channel(3));
          ++state_.runs[fresh_.index].channels;
        });
        open_.push_back(fresh_);
        return;
      case 3:
        return edit([&](mth5::Edit& e) {
          const std::string id = "S" + std::to_string(state_.stations.size() + 1);
          add_station(e, id);
          open_.push_back(add_run(e, id, scenario_.channels));
        });
      default:
        return edit([&](mth5::Edit& e) {
          const std::string comments = "revision " + std::to_string(++state_.revision);
          mth5::Metadata survey = with_id(mth5::Kind::Survey, kSurvey), first = with_id(mth5::Kind::Station, "S1"),
                         run{mth5::Kind::Run};
          for (auto* metadata : {&survey, &first, &run}) metadata->set("comments", comments);
          e.update_survey(survey);
          e.update_station(kSurvey, first);
          e.update_run(first_run_, run);
          if (open_.size() < 3) return;
          e.finish_run(open_[1].id);
          open_.erase(open_.begin() + 1);
        });
    }
  }

  Scenario scenario_;
  Random random_;
  State state_;
  mth5::File file_;
  mth5::TableId ledger_, gaps_;
  std::vector<OpenRun> open_;  ///< appended to; the first is the file's first run
  OpenRun fresh_{};
  mth5::RunId first_run_{0};
};

/// A writer in a process of its own, which dies without closing. @returns the state of its last commit
State die(const Scenario& scenario, std::uint64_t seed, const std::filesystem::path& path) {
  int channel[2];
  if (pipe(channel) != 0) throw std::runtime_error{"pipe failed"};
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error{"fork failed"};
  if (child == 0) {
    try {
      auto* const writer = new Writer{scenario, seed, path};  // its destructor would close the file
      writer->record();
      const std::string text = writer->state().text();
      writer->append();  // in no commit
      if (write(channel[1], text.data(), text.size()) == static_cast<ssize_t>(text.size())) _exit(0);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "crash_writer: %s\n", e.what());
    }
    _exit(1);
  }
  ::close(channel[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(channel[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  ::close(channel[0]);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) throw std::runtime_error{"the first writer failed"};
  return State::from(text);
}

void run(const Scenario& scenario, std::uint64_t seed, const std::filesystem::path& path) {
  if (scenario.ending == Ending::Reopen) {
    const State state = die(scenario, seed, path);
    note("from");
    Writer second{scenario, seed + 1, path, state};
    second.record();
    second.close();
    Writer third{scenario, seed + 2, path, second.state()};
    third.record();
    third.close();
    return;
  }
  auto* const writer = new Writer{scenario, seed, path};
  writer->record();
  if (scenario.ending == Ending::Cut) _exit(0);  // the destructor would close the file
  writer->append();
  note("from");
  writer->close();
  delete writer;
}

}  // namespace
}  // namespace crash

int main(int argc, char** argv) {
  const auto* const known_scenario = argc == 4 || argc == 5 ? crash::find_scenario(argv[1]) : nullptr;
  if (known_scenario == nullptr) {
    std::fprintf(stderr, "usage: crash_writer SCENARIO SEED FILE [FLUSHES]; scenarios:\n");
    for (const auto& known : crash::scenarios())
      std::fprintf(stderr, "  %-10.*s %.*s\n", static_cast<int>(known.name.size()), known.name.data(),
                   static_cast<int>(known.what.size()), known.what.data());
    return 2;
  }
  crash::Scenario scenario = *known_scenario;
  if (argc == 5) scenario.flushes = std::atoi(argv[4]);
  try {
    crash::run(scenario, std::strtoull(argv[2], nullptr, 10), argv[3]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "crash_writer: error: %s\n", e.what());
    return 1;
  }
  return 0;
}

#include "check.hpp"

#include <fcntl.h>
#include <hdf5.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <stdexcept>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"

namespace crash {

namespace fs = std::filesystem;

namespace {

// A busy machine is slow: what goes round in circles is ended by its CPU time.
constexpr std::chrono::seconds kTimeLimit{180};
constexpr rlim_t kCpuSeconds = 20;
constexpr std::int64_t kAppended = 100;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error{what}; }

/// What is in a file, by name.
struct Content {
  State state;
  std::vector<std::pair<std::int64_t, std::int64_t>> ledger;  ///< commit, samples
};

std::int64_t revision_of(const mth5::Metadata& metadata) {
  const std::string text = metadata.text("comments");
  return text.starts_with("revision ") ? std::stoll(text.substr(9)) : 0;
}

void require_samples(const mth5::Reader& reader, std::size_t index, const std::string& path) {
  const auto key = channel_key(path);
  const auto n = reader.channels()[index].n_samples;
  std::vector<double> block(static_cast<std::size_t>(std::min<std::int64_t>(n, 65536)));
  for (std::int64_t first = 0; first < n;) {
    const auto got = static_cast<std::int64_t>(reader.read(index, first, block));
    if (got == 0) fail(path + ": no sample " + std::to_string(first) + " of " + std::to_string(n));
    for (std::int64_t i = 0; i < got; ++i) {
      const double value = block[static_cast<std::size_t>(i)];
      if (value != sample(key, first + i))
        fail(path + "[" + std::to_string(first + i) + "] of " + std::to_string(n) + " is " + std::to_string(value) + ", not " +
             std::to_string(sample(key, first + i)));
    }
    first += got;
  }
}

/// By HDF5 alone: the Reader shows what all channels of a run have.
void require_lengths(const fs::path& path, const std::vector<std::pair<std::string, std::int64_t>>& lengths) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) fail("HDF5 alone does not open it");
  for (const auto& [name, length] : lengths) {
    const hid_t dataset = H5Dopen2(file, name.c_str(), H5P_DEFAULT);
    const hid_t space = dataset < 0 ? dataset : H5Dget_space(dataset);
    const auto there = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    H5Dclose(dataset);
    if (there != length) fail(name + ": has " + std::to_string(there) + " samples, its run " + std::to_string(length));
  }
  H5Fclose(file);
}

/// Reads everything and compares every sample and row.
Content read_content(const mth5::Reader& reader, std::vector<std::pair<std::string, std::int64_t>>& lengths) {
  Content content;
  for (const auto& station : reader.stations()) content.state.stations.push_back(station.id);
  for (const auto& run : reader.runs()) {
    content.state.runs.push_back({run.station, run.id, static_cast<std::int64_t>(run.channels.size()), run.n_samples});
    for (const auto index : run.channels) {
      const auto& channel = reader.channels()[index];
      require_samples(reader, index, run.station + "/" + run.id + "/" + channel.component);
      lengths.emplace_back(
          "/Experiment/Surveys/" + channel.survey + "/Stations/" + channel.station + "/" + channel.run + "/" + channel.component,
          run.n_samples);
    }
  }
  std::vector<std::int64_t> revisions;
  for (const auto& survey : reader.surveys()) revisions.push_back(revision_of(survey.metadata));
  for (const auto& station : reader.stations())
    if (station.id == "S1") revisions.push_back(revision_of(station.metadata));
  for (const auto& run : reader.runs())
    if (run.id == "r000")
      revisions.push_back(revision_of(reader.run_metadata(static_cast<std::size_t>(&run - reader.runs().data()))));
  // A run without samples does not outlive a recovery.
  const bool has_first =
      std::any_of(reader.runs().begin(), reader.runs().end(), [](const auto& run) { return run.id == "r000"; });
  if (revisions.size() != (has_first ? 3u : 2u)) fail("survey T, station S1 and run r000 are not all there");
  if (std::adjacent_find(revisions.begin(), revisions.end(), std::not_equal_to{}) != revisions.end())
    fail("half an edit: survey, station and run have different comments");
  content.state.revision = revisions[0];
  const auto ledger = reader.table("commits"), gaps = reader.table("gaps");
  if (!ledger || !gaps) fail("a table is missing");
  content.state.ledger = static_cast<std::int64_t>(ledger->size());
  content.state.gaps = static_cast<std::int64_t>(gaps->size());
  for (std::size_t row = 0; row < ledger->size(); ++row) {
    if (const auto wrong = wrong_ledger_row(*ledger, row); !wrong.empty()) fail(wrong);
    content.ledger.emplace_back(ledger->integer(row, "commit"), ledger->integer(row, "samples"));
  }
  for (std::size_t row = 0; row < gaps->size(); ++row)
    if (const auto wrong = wrong_gaps_row(*gaps, row); !wrong.empty()) fail(wrong);
  const auto commit = reader.last_commit();
  if (!commit) fail("/Acquisition/state is missing");
  if (commit->visible_samples != content.state.samples() || commit->durable_samples > commit->visible_samples)
    fail("/Acquisition/state tells of " + std::to_string(commit->visible_samples) + " visible and " +
         std::to_string(commit->durable_samples) + " durable samples; there are " + std::to_string(content.state.samples()));
  if (!commit->closed) fail("/Acquisition/state does not say closed after close()");
  return content;
}

Content read_content(const fs::path& path) {
  std::vector<std::pair<std::string, std::int64_t>> lengths;
  Content content = read_content(mth5::Reader{path}, lengths);  // the Reader is gone before HDF5 opens the file in another way
  require_lengths(path, lengths);
  return content;
}

/// As a recovery leaves it: without runs that have no samples.
State in_order(State state) {
  std::erase_if(state.runs, [](const RunState& run) { return run.samples == 0; });
  std::sort(state.stations.begin(), state.stations.end());
  std::sort(state.runs.begin(), state.runs.end(), [](const RunState& a, const RunState& b) { return a.path() < b.path(); });
  return state;
}

/// Throws unless the content is that of one of the commits that may be there.
void require_commit(const Content& content, const Expected& expected) {
  const State found = in_order(content.state);
  const State* match = nullptr;
  for (const auto* state : expected.states)
    if (in_order(*state).same(found)) match = state;
  if (match == nullptr) fail("is no commit: " + found.text());
  if (match->commit < expected.floor)
    fail("is commit " + std::to_string(match->commit) + ", but " + std::to_string(expected.floor) + " was acknowledged");
  for (const auto& [commit, samples] : content.ledger) {
    const auto of =
        std::find_if(expected.states.begin(), expected.states.end(), [&, c = commit](const State* s) { return s->commit == c; });
    if (of == expected.states.end() || (*of)->samples() != samples)
      fail("ledger: commit " + std::to_string(commit) + " with " + std::to_string(samples) + " samples is not what was written");
  }
}

void append_samples(mth5::File& file, mth5::RunId id, const RunState& run) {
  const auto& components = file.components(id);
  std::vector<std::int32_t> values;
  for (const auto& component : components) {
    const auto key = channel_key(run.path() + "/" + component);
    for (std::int64_t i = 0; i < kAppended; ++i) values.push_back(sample(key, run.samples + i));
  }
  const auto n = static_cast<std::size_t>(kAppended);
  file.append(id, mth5::Matrix<const std::int32_t>{values.data(), components.size(), n, n});
}

/// Goes on in the file as a daemon would. @returns what must be in it then
State go_on(const fs::path& path, State state, std::uint64_t choice) {
  auto file = mth5::File::open(path, "r+", {.swmr = choice % 2 == 0});
  if (!file.recovery().empty()) fail("has to be recovered again after it was closed: " + file.recovery().front());
  if (!state.runs.empty()) {
    RunState& old = state.runs[choice / 2 % state.runs.size()];
    append_samples(file, file.open_run(kSurvey, old.station, old.run), old);
    old.samples += kAppended;
  }
  RunState added{state.stations.front(), "added", 2, 0};
  mth5::RunId id;
  file.edit([&](mth5::Edit& edit) {
    mth5::Metadata run{mth5::Kind::Run}, ex{mth5::Kind::Electric}, hx{mth5::Kind::Magnetic};
    run.set("id", added.run);
    run.set("sample_rate", kRate);
    ex.set("component", std::string{"ex"});
    hx.set("component", std::string{"hx"});
    const std::vector<mth5::ChannelSpec> channels{{ex, mth5::SampleType::Int32, 50}, {hx, mth5::SampleType::Int32, 50}};
    id = edit.add_run(kSurvey, added.station, run, mth5::UtcNanos{std::chrono::seconds{1'900'000'000}}, channels);
  });
  append_samples(file, id, added);
  added.samples = kAppended;
  file.sync();
  file.close();
  state.runs.push_back(added);
  return state;
}

void check(const fs::path& path, const Expected& expected, std::uint64_t choice) {
  mth5::File::open(path, "r+").close();
  const Content content = read_content(path);
  require_commit(content, expected);
  const State after = go_on(path, content.state, choice);
  if (!in_order(read_content(path).state).same(in_order(after))) fail("what was appended after recovery is not there");
}

/// Of the child: reports through the pipe and ends. "" = good.
[[noreturn]] void report(int pipe, const fs::path& path, const Expected& expected, std::uint64_t choice) {
  std::string text;
  const rlimit cpu{kCpuSeconds, kCpuSeconds};
  try {
    if (setrlimit(RLIMIT_CPU, &cpu) != 0) fail("setrlimit failed");
    check(path, expected, choice);
  } catch (const std::exception& e) {
    text = e.what();
    if (text.empty()) text = "an error without a text";
  }
  text.resize(std::min<std::size_t>(text.size(), 2000));
  text.push_back('\0');
  _exit(write(pipe, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
}

}  // namespace

Verdict check_image(const fs::path& path, const Expected& expected, std::uint64_t choice) {
  if (!fs::exists(path)) {
    if (expected.floor < 0) return {Verdict::Kind::NoFile};
    return {Verdict::Kind::Failed, "there is no file, but commit " + std::to_string(expected.floor) + " was acknowledged"};
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe failed");
  const pid_t child = fork();
  if (child < 0) fail("fork failed");
  if (child == 0) report(ends[1], path, expected, choice);
  close(ends[1]);
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + kTimeLimit;
  bool late = false;
  while (text.empty() || text.back() != '\0') {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd wanted{ends[0], POLLIN, 0};
    late = left <= 0 || poll(&wanted, 1, static_cast<int>(left)) == 0;
    if (late) break;
    char buffer[2048];
    const ssize_t n = read(ends[0], buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  if (late) kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  if (late) return {Verdict::Kind::Failed, "hangs: no end after " + std::to_string(kTimeLimit.count()) + " s"};
  if (text.empty() || status != 0) return {Verdict::Kind::Failed, "crashes: wait status " + std::to_string(status)};
  text.pop_back();
  if (text.empty()) return {Verdict::Kind::Good};
  return {Verdict::Kind::Failed, text};
}

}  // namespace crash

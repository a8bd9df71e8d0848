#include "archive/manifest.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <system_error>

#include <nlohmann/json.hpp>

#include "analysis/folder.hpp"
#include "analysis/ledger.hpp"
#include "archive/sha256.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"
#include "mth5/io.hpp"
#include "mth5/probe.hpp"
#include "mth5/reader.hpp"
#include "mth5/time.hpp"
#include "sandbox/sandbox.hpp"

namespace archive {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr std::size_t kMostManifest = std::size_t{64} << 20;  // bytes; 10,000 runs of nine channels take 20 MiB
constexpr std::int64_t kBlock = 1 << 16;                      // samples
constexpr std::string_view kSums = "SHA256SUMS";

static_assert(std::endian::native == std::endian::little, "samples are hashed as they lie in memory");

template <class T>
void add_as(Sha256& hash, std::span<const double> values) {
  static_assert(sizeof(T) <= sizeof(double));
  std::vector<T> stored(values.size());
  std::transform(values.begin(), values.end(), stored.begin(), [](double value) { return static_cast<T>(value); });
  hash.add(std::as_bytes(std::span<const T>{stored}));
}

/// A double holds each value of these types, so this gives the bytes that are in the file.
void add(Sha256& hash, std::span<const double> values, mth5::SampleType type) {
  switch (type) {
    case mth5::SampleType::Int16:
      return add_as<std::int16_t>(hash, values);
    case mth5::SampleType::Int32:
      return add_as<std::int32_t>(hash, values);
    case mth5::SampleType::Float32:
      return add_as<float>(hash, values);
    case mth5::SampleType::Float64:
      break;
  }
  hash.add(std::as_bytes(values));
}

class Describer {
 public:
  Describer(const mth5::Reader& reader, sandbox::Reports& reports) : reader_{reader}, reports_{reports} {
    for (const auto& channel : reader.channels()) total_ += channel.n_samples;
  }

  Json runs() {
    Json all = Json::array();
    for (const auto& run : reader_.runs()) {
      Json channels = Json::array();
      for (const auto index : run.channels) {
        auto entry = channel(index);
        // Most files of others say of a channel what they say of its run.
        const auto& told = reader_.channels()[index];
        if (told.start != run.start) entry["start"] = mth5::to_iso(told.start);
        if (told.sample_rate != run.sample_rate) entry["sample_rate"] = told.sample_rate;
        channels.push_back(std::move(entry));
      }
      all.push_back({{"survey", run.survey},
                     {"station", run.station},
                     {"run", run.id},
                     {"sample_rate", run.sample_rate},
                     {"start", mth5::to_iso(run.start)},
                     {"end", mth5::to_iso(run.end())},
                     {"channels", channels}});
    }
    return all;
  }

 private:
  Json channel(std::size_t index) {
    const auto& channel = reader_.channels()[index];
    reports_.visit(channel.station + "/" + channel.run + "/" + channel.component);
    const auto type = reader_.sample_type(index);
    Sha256 hash;
    std::vector<double> block(static_cast<std::size_t>(std::min(kBlock, std::max<std::int64_t>(1, channel.n_samples))));
    for (std::int64_t first = 0; first < channel.n_samples;) {
      const auto n = reader_.read(index, first,
                                  std::span{block}.first(static_cast<std::size_t>(std::min(kBlock, channel.n_samples - first))));
      if (n == 0)
        throw mth5::FormatError{reader_.path().string() + ": damaged: channel " + channel.component + " of " + channel.run +
                                " ends too early"};
      add(hash, std::span{block}.first(n), type);
      first += static_cast<std::int64_t>(n);
      done_ += static_cast<std::int64_t>(n);
      reports_.progress(done_, total_);
    }
    return {{"component", channel.component},
            {"dtype", std::string{mth5::to_string(type)}},
            {"samples", channel.n_samples},
            {"sha256", hash.hex()}};
  }

  const mth5::Reader& reader_;
  sandbox::Reports& reports_;
  std::int64_t done_ = 0, total_ = 0;
};

/// uuid, runs and ledger, as a child reads them.
Json contents_of(const fs::path& file, const Progress& progress) {
  const auto outcome = sandbox::run(
      [&](sandbox::Reports& reports) {
        mth5::ReaderOptions options;
        options.visiting = [&](const std::string& object) { reports.visit(object); };
        options.own_lengths = true;  // and what the attributes say, which others read, and not the table of our own
        const mth5::Reader reader{file, options};
        if (reader.state() != mth5::FileState::Closed)
          throw mth5::StateError{file.string() + ": is not closed; mth5-recover closes a file whose writer died"};
        Json all{{"uuid", reader.file_uuid()}, {"runs", Describer{reader, reports}.runs()}};
        reports.visit("the ledger");
        all["ledger"] = to_json(analysis::read_ledger(reader));
        return all.dump(-1, ' ', false, Json::error_handler_t::replace);
      },
      sandbox::limits_for(file, 0), {.progress = progress});
  if (outcome.end != sandbox::End::Done) sandbox::fail(file, outcome);
  auto all = Json::parse(outcome.answer, nullptr, false);
  if (!all.is_object() || !all.contains("runs")) throw mth5::FormatError{file.string() + ": damaged: HDF5 was led astray by it"};
  return all;
}

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw mth5::FileError{path.string() + ": " + what + ": " + std::generic_category().message(errno)};
}

/// Beside it and renamed, and both durable. @param replace  false: something of that name is an error
void put(const fs::path& path, std::string_view text, mode_t mode, bool replace) {
  const fs::path part = path.parent_path() / ("." + path.filename().string() + "." + std::to_string(getpid()) + ".part");
  (void)unlink(part.c_str());  // of a process of this number that died
  mth5::Descriptor file{open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
  if (!file) fail(part, "cannot be written");
  const auto give_up = [&](const fs::path& of) {
    const int error = errno;
    (void)unlink(part.c_str());
    errno = error;
    fail(of, "cannot be written");
  };
  if (const int error = mth5::write_all(file.get(), text); error != 0) {
    errno = error;
    give_up(part);
  }
  if (mth5::io().fsync(file.get()) != 0) give_up(part);
  if (const int late = file.close(); late != 0) {
    errno = late;
    give_up(part);
  }
  if (renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, path.c_str(), replace ? 0 : RENAME_NOREPLACE) != 0) {
    // Not every file system can keep what is there by itself.
    if (replace || errno != EINVAL || fs::exists(fs::symlink_status(path)) || std::rename(part.c_str(), path.c_str()) != 0)
      give_up(path);
  }
  const mth5::Descriptor folder{open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder || (mth5::io().fsync(folder.get()) != 0 && errno != EINVAL)) fail(path.parent_path(), "cannot be synced");
}

bool is_text(const std::string& name) {
  return name == kSums || (fs::path{name}.extension() == kManifestSuffix && analysis::is_data_name(fs::path{name}.stem()));
}

/// Whether who makes a copy has died: he holds a lock on it (mth5::copy_for_archive). It may be read-only already.
bool is_left(const fs::path& part) {
  const mth5::Descriptor fd{open(part.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  struct flock whole {};
  whole.l_type = F_RDLCK;
  return fd && fcntl(fd.get(), F_OFD_SETLK, &whole) == 0;
}

/// The recordings whose archive, or copy with joined runs, may have that name.
std::vector<std::string> recordings_of(const std::string& name) {
  std::vector<std::string> all{name};
  const fs::path path{name};
  for (auto stem = path.stem(); !stem.extension().empty(); all.push_back(stem.string() + path.extension().string())) {
    const auto last = stem.extension().string();
    if (last != ".bridged" && last.find_first_not_of("0123456789", 1) != std::string::npos) break;
    stem = stem.stem();
  }
  return all;
}

/// The lines of SHA256SUMS by name; others are kept as they are. A name with a line end or a backslash in it stands there as
/// sha256sum(1) writes it: these as \n, \r and \\, and a backslash before the line.
struct Sums {
  std::vector<std::string> lines;

  static constexpr std::size_t kDigits = 64;
  static constexpr std::string_view kEscaped = "\\\n\r", kLetters = "\\nr";

  static Sums read(const fs::path& folder) {
    Sums sums;
    const auto path = folder / kSums;
    if (!fs::exists(path)) return sums;
    const auto text = mth5::read_regular(path, kMostManifest);
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      if (end > at) sums.lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return sums;
  }
  /// "HEX  NAME", or with a star before the name.
  static std::string name_of(std::string_view line) {
    const bool escaped = line.starts_with('\\');
    if (escaped) line.remove_prefix(1);
    if (line.size() <= kDigits + 2) return {};
    line.remove_prefix(kDigits + 2);
    std::string name;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const auto letter = escaped && line[i] == '\\' && i + 1 < line.size() ? kLetters.find(line[i + 1]) : std::string_view::npos;
      name += letter == std::string_view::npos ? line[i] : kEscaped[letter];
      if (letter != std::string_view::npos) ++i;
    }
    return name;
  }
  void set(const std::string& name, const std::string& hex) {
    std::erase_if(lines, [&](const std::string& line) { return name_of(line) == name; });
    std::string shown;
    for (const char c : name) {
      const auto letter = kEscaped.find(c);
      shown += letter == std::string_view::npos ? std::string{c} : std::string{'\\', kLetters[letter]};
    }
    lines.push_back((shown == name ? "" : "\\") + hex + "  " + shown);
  }
  [[nodiscard]] std::optional<std::string> of(const std::string& name) const {
    const auto found = std::find_if(lines.begin(), lines.end(), [&](const auto& line) { return name_of(line) == name; });
    return found == lines.end() ? std::nullopt : std::optional{found->substr(found->starts_with('\\') ? 1 : 0, kDigits)};
  }
  /// As a power cut may leave it: nothing, or zeros.
  [[nodiscard]] bool is_empty() const {
    return std::none_of(lines.begin(), lines.end(), [](const auto& line) { return line.find('\0') == std::string::npos; });
  }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const auto& line : lines) all += line + "\n";
    return all;
  }
};

/// "SURVEY/MT07/sr1_0001" of a run of a manifest.
std::string key_of(const Json& run) {
  return run.at("survey").get<std::string>() + "/" + run.at("station").get<std::string>() + "/" +
         run.at("run").get<std::string>();
}
/// "MT07/sr1_0001".
std::string shown(const std::string& key) { return key.substr(key.find('/') + 1); }

/// By the key of a run, component -> its entry.
using Samples = std::map<std::string, std::map<std::string, Json>>;

Samples samples_of(const Json& manifest) {
  Samples all;
  for (const auto& run : manifest.at("runs"))
    for (const auto& channel : run.at("channels")) all[key_of(run)][channel.at("component").get<std::string>()] = channel;
  return all;
}

/// "" if both hold the same samples at the same times.
std::string difference(const Json& then, const Json& now) {
  constexpr std::size_t kShown = 4;
  const auto before = samples_of(then), after = samples_of(now);
  std::vector<std::string> others;
  const auto channel_of = [](const Samples& all, const std::string& run, const std::string& component) -> const Json* {
    const auto found = all.find(run);
    if (found == all.end()) return nullptr;
    const auto one = found->second.find(component);
    return one == found->second.end() ? nullptr : &one->second;
  };
  for (const auto& [run, channels] : after)
    for (const auto& [component, entry] : channels)
      if (channel_of(before, run, component) == nullptr) others.push_back(shown(run) + "/" + component + " is new");
  // A sample that others find at another time is another sample.
  std::map<std::string, const Json*> run_of;
  for (const auto& run : now.at("runs")) run_of.emplace(key_of(run), &run);
  for (const auto& run : then.at("runs"))
    if (const auto found = run_of.find(key_of(run)); found != run_of.end())
      for (const char* figure : {"start", "sample_rate"})
        if (const auto& was = run.at(figure), &is = found->second->at(figure); was != is)
          others.push_back(shown(key_of(run)) + " has the " + figure + " " + is.dump() + " instead of " + was.dump());
  for (const auto& [run, channels] : before)
    for (const auto& [component, entry] : channels) {
      const auto* is = channel_of(after, run, component);
      const auto name = shown(run) + "/" + component;
      if (is == nullptr) {
        others.push_back(name + " is missing");
        continue;
      }
      bool same_time = true;
      for (const char* figure : {"start", "sample_rate"})
        if (const auto was = entry.value(figure, Json{}), at = is->value(figure, Json{}); was != at) {
          others.push_back(name + " has the " + figure + " " + (at.is_null() ? "of its run" : at.dump()) + " instead of " +
                           (was.is_null() ? "that of its run" : was.dump()));
          same_time = false;
        }
      if (is->at("samples") != entry.at("samples"))
        others.push_back(name + " has " + is->at("samples").dump() + " samples of " + entry.at("samples").dump());
      else if (same_time && *is != entry)
        others.push_back(name + " has other values");
    }
  if (others.empty()) return "";
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, others.size()); ++i) text += (i == 0 ? "" : ", ") + others[i];
  return text + (others.size() > kShown ? " and " + std::to_string(others.size() - kShown) + " more" : "");
}

std::uint64_t bytes_of(const fs::path& file) {
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (error) throw mth5::FileError{file.string() + ": cannot be read: " + error.message()};
  return bytes;
}

/// An empty object, if it is none.
Json manifest_beside(const fs::path& archive) {
  auto manifest = Json::parse(mth5::read_regular(manifest_path(archive), kMostManifest), nullptr, false);
  return manifest.is_object() ? manifest : Json::object();
}
/// What recording_of() was then; an empty object, if nobody noted it. Texts where texts belong.
Json noted_recording(const Json& manifest) {
  const auto noted = manifest.find("recording");
  if (noted == manifest.end() || !noted->is_object()) return Json::object();
  Json all = Json::object();
  for (const char* key : {"last_written", "sha256"})
    if (const auto text = noted->find(key); text != noted->end() && text->is_string()) all[key] = *text;
  if (const auto bytes = noted->find("bytes"); bytes != noted->end()) all["bytes"] = *bytes;
  return all;
}

bool is_there(const fs::path& path) {
  std::error_code unknown;
  return fs::exists(fs::symlink_status(path, unknown));
}

/// Of an archive, by its manifest if it has one. "": it has none, or cannot be read.
std::string uuid_told_of(const fs::path& archive) {
  if (is_there(manifest_path(archive))) return manifest_beside(archive).value("uuid", "");
  try {
    return uuid_of(archive);
  } catch (const mth5::Error&) {  // whatever it is, it is no archive of ours that is whole
    return "";
  }
}

std::string samples_text(const Json& manifest) {
  std::int64_t samples = 0;
  for (const auto& run : manifest.at("runs"))
    for (const auto& channel : run.at("channels")) samples += channel.at("samples").get<std::int64_t>();
  return std::to_string(samples) + " samples";
}

/// A file of which nothing but a line of SHA256SUMS tells, if anything does.
Verified without_manifest(const fs::path& file) {
  constexpr std::string_view kMakes = "mth5-recover --finalize gzip-4 makes one";
  const auto folder = folder_of(file);
  const auto noted = Sums::read(folder).of(file.filename().string());
  const bool there = fs::exists(fs::symlink_status(file));
  if (!noted) return {file, Found::NoManifest, "has no manifest; " + std::string{kMakes}};
  if (!there) return {file, Found::Missing, "is missing, and its manifest, too; " + std::string{kSums} + " tells of it"};
  if (*noted != sha256_of(file))
    return {file, Found::Changed, "has no manifest, and its bytes are not those that " + std::string{kSums} + " tells"};
  return {file, Found::NoManifest,
          "has no manifest, its bytes are those that " + std::string{kSums} + " tells; " + std::string{kMakes}};
}

/// Why SHA256SUMS does not prove an archive and its manifest.
struct Unproven {
  Found found;
  std::string text;
};
std::optional<Unproven> why_unproven(const fs::path& archive, const Json& manifest) {
  const auto folder = folder_of(archive), sums_file = folder / kSums, told = manifest_path(archive);
  const auto name = archive.filename().string(), json = told.filename().string();
  const auto sums = Sums::read(folder);
  const auto of_json = sums.of(json), of_archive = sums.of(name);
  if (of_json && *of_json != sha256_of(told))
    return Unproven{Found::Changed, "its manifest " + told.string() + " is not the one that " + std::string{kSums} + " tells"};
  if (of_archive && *of_archive != manifest.at("sha256").get<std::string>())
    return Unproven{Found::Changed, sums_file.string() + " tells another hash of " + name + " than its manifest"};
  if (of_json && of_archive) return {};
  const auto tells = "; (cd " + folder.string() + " && sha256sum ";
  const auto of_all = tells + "*.h5 *.json > " + std::string{kSums} + ") tells of what is there now";
  if (!is_there(sums_file)) return Unproven{Found::NoSums, sums_file.string() + " is missing" + of_all};
  if (sums.is_empty()) return Unproven{Found::NoSums, sums_file.string() + " has no line" + of_all};
  const auto lacking = of_json ? name : of_archive ? json : name + " " + json;
  return Unproven{Found::NoSums, sums_file.string() + " has no line of " + lacking + tells + lacking + " >> " +
                                     std::string{kSums} + ") adds it"};
}

Verified compared(const fs::path& file, const fs::path& manifest_file, const Progress& progress) {
  const auto text = mth5::read_regular(manifest_file, kMostManifest);
  const auto then = Json::parse(text, nullptr, false);
  if (!then.is_object() || then.value("schema", 0) != kSchema)
    return {file, Found::Changed, "its manifest " + manifest_file.string() + " is none of schema " + std::to_string(kSchema)};
  const fs::path archive = manifest_file.parent_path() / manifest_file.stem();
  const auto unproven = why_unproven(archive, then);
  if (unproven && unproven->found == Found::Changed) return {file, unproven->found, unproven->text};
  if (!is_there(file)) return {file, Found::Missing, "is missing; it had " + samples_text(then)};
  const bool archived = manifest_file == manifest_path(file);
  const auto since = samples_text(then) + ", since " + then.at("made").get<std::string>();
  const auto proven = [&](Found found, const std::string& found_so) -> Verified {
    if (unproven) return {file, unproven->found, found_so + "; but nothing proves that: " + unproven->text};
    return {file, found, found_so};
  };
  if (archived && sha256_of(file) == then.at("sha256"))
    return proven(Found::Unchanged, (unproven ? "is as its manifest tells: " : "unchanged: ") + since);
  const auto now = contents_of(file, progress);
  if (now.at("uuid") != then.at("uuid"))
    return {file, Found::Changed, "is another file: its uuid is " + now.at("uuid").get<std::string>()};
  if (const auto other = difference(then, now); !other.empty()) return {file, Found::Changed, "changed: " + other};
  if (archived) return proven(Found::SameSamples, "its bytes changed, all samples are the same: " + since);
  // Of an archive that is gone nothing is safe.
  if (const auto kept = compared(archive, manifest_file, progress); kept.found != Found::Unchanged)
    return {file, kept.found, "holds the samples that its archive had; " + archive.string() + ": " + kept.text};
  return {file, Found::Unchanged, "holds the samples of its archive: " + since};
}

}  // namespace

std::string_view to_string(Found found) {
  constexpr std::string_view kNames[] = {"unchanged",  "same-samples", "changed", "missing",
                                         "unreadable", "no-manifest",  "no-sums"};
  return kNames[static_cast<std::size_t>(found)];
}

Json manifest_of(const fs::path& file, const std::string& version, const Progress& progress) {
  Json manifest{{"schema", kSchema},
                {"file", file.filename().string()},
                {"bytes", fs::file_size(file)},
                {"sha256", sha256_of(file)},
                {"uuid", ""},
                {"made", mth5::to_iso(std::chrono::floor<std::chrono::seconds>(mth5::host_now()))},
                {"version", version}};
  manifest.update(contents_of(file, progress));
  return manifest;
}

fs::path folder_of(const fs::path& file) { return file.parent_path().empty() ? fs::path{"."} : file.parent_path(); }

std::string last_written(const fs::path& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return "";
  return mth5::to_iso(mth5::UtcNanos{std::chrono::seconds{info.st_mtim.tv_sec} + mth5::Nanos{info.st_mtim.tv_nsec}});
}

Json recording_of(const fs::path& recording) {
  const auto written = last_written(recording);
  return {{"last_written", written}, {"bytes", bytes_of(recording)}, {"sha256", sha256_of(recording)}};
}

namespace {

std::int64_t samples_in(const Json& run) {
  if (const auto n = run.find("samples"); n != run.end()) return n->get<std::int64_t>();
  std::int64_t most = 0;
  for (const auto& channel : run.at("channels")) most = std::max(most, channel.at("samples").get<std::int64_t>());
  return most;
}

/// Of a manifest, or as read_runs() tells it. @throws nlohmann::json::exception (something lacks)
Recorded recorded_by(const Json& runs) {
  Recorded recorded;
  for (const auto& run : runs) {
    auto& newest = recorded.stations[{run.at("survey").get<std::string>(), run.at("station").get<std::string>()}];
    const auto end = mth5::parse_time(run.at("end").get<std::string>());
    if (!end) continue;
    if (samples_in(run) > 0) newest = std::max(newest.value_or(*end), *end);
    recorded.newest = std::max(recorded.newest.value_or(*end), *end);
  }
  return recorded;
}

/// What recorded_by() needs, of a file that may be live.
Json read_runs(const mth5::Reader& reader) {
  Json runs = Json::array();
  for (const auto& run : reader.runs())
    runs.push_back(
        {{"survey", run.survey}, {"station", run.station}, {"end", mth5::to_iso(run.end())}, {"samples", run.n_samples}});
  return runs;
}

}  // namespace

Recorded recorded_in(const fs::path& recording) {
  try {
    const auto archive = archive_of(recording);
    const auto manifest = is_there(manifest_path(archive)) ? manifest_beside(archive) : Json::object();
    const auto noted = noted_recording(manifest);
    if (noted.value("last_written", "") == last_written(recording) && noted.value("bytes", Json{}) == Json(bytes_of(recording)))
      return recorded_by(manifest.at("runs"));
  } catch (const Json::exception&) {  // it lacks what a manifest has
  }
  const auto outcome = sandbox::run(
      [&](sandbox::Reports& reports) {
        mth5::ReaderOptions options;
        options.visiting = [&](const std::string& object) { reports.visit(object); };
        const mth5::Reader reader{recording, options};
        const auto commit = reader.last_commit();
        const Json all{{"runs", read_runs(reader)}, {"recovered", commit && commit->recovered}};
        return all.dump(-1, ' ', false, Json::error_handler_t::replace);
      },
      sandbox::limits_for(recording, 0));
  if (outcome.end != sandbox::End::Done) sandbox::fail(recording, outcome);
  try {
    const auto answer = Json::parse(outcome.answer);
    auto recorded = recorded_by(answer.at("runs"));
    recorded.recovered = answer.at("recovered").get<bool>();
    return recorded;
  } catch (const Json::exception&) {
    throw mth5::FormatError{recording.string() + ": damaged: HDF5 was led astray by it"};
  }
}

std::string uuid_of(const fs::path& file) {
  const auto outcome = sandbox::run(
      [&](sandbox::Reports& reports) {
        mth5::ReaderOptions options;
        options.visiting = [&](const std::string& object) { reports.visit(object); };
        options.walk = true;
        return mth5::Reader{file, options}.file_uuid();
      },
      sandbox::limits_for(file, 0));
  if (outcome.end != sandbox::End::Done) sandbox::fail(file, outcome);
  return outcome.answer;
}

fs::path archive_of(const fs::path& recording, Kind kind) {
  std::vector<fs::path> taken;
  const auto name = [&](int n) { return kind == Kind::Bridged ? bridged_path(recording, n) : archive_path(recording, n); };
  int free = 1;
  for (; free <= kMostNames && (is_there(name(free)) || is_there(manifest_path(name(free)))); ++free) taken.push_back(name(free));
  const auto written = last_written(recording);
  for (const auto& one : taken) {
    if (!is_there(manifest_path(one)) || written.empty()) continue;
    const auto noted = noted_recording(manifest_beside(one));
    if (noted.value("last_written", "") == written && noted.value("bytes", Json{}) == Json(bytes_of(recording))) return one;
  }
  const auto uuid = taken.empty() ? "" : uuid_of(recording);
  for (const auto& one : taken)
    if (!uuid.empty() && uuid_told_of(one) == uuid) return one;
  return name(free);
}

bool is_as_archived(const fs::path& recording, const fs::path& archive) {
  const auto noted = noted_recording(manifest_beside(archive));
  return noted.value("bytes", Json{}) == Json(bytes_of(recording)) && noted.value("sha256", "") == sha256_of(recording);
}

std::string bridge_of(const fs::path& archive) {
  const auto manifest = manifest_beside(archive);
  const auto bridge = manifest.find("bridge");
  return bridge != manifest.end() && bridge->is_string() ? bridge->get<std::string>() : "";
}

void require_unchanged(const fs::path& archive, const Json& manifest, const fs::path& recording, const Progress& progress) {
  const auto noted = Sums::read(folder_of(archive)).of(archive.filename().string());
  if (noted && *noted != manifest.at("sha256").get<std::string>())
    throw mth5::FileError{archive.string() + ": has no manifest, and its bytes are not those that " + std::string{kSums} +
                          " tells: it gets none; move it away, and a new one is made of its recording, or, if it is right as "
                          "it is, take its line out of " +
                          std::string{kSums}};
  if (recording.empty() || !is_there(recording)) return;
  const auto now = contents_of(recording, progress);
  if (now.at("uuid") != manifest.at("uuid")) return;  // of another file
  if (const auto other = difference(now, manifest); !other.empty())
    throw mth5::FileError{archive.string() + ": has no manifest, and is not what its recording " + recording.string() +
                          " is: " + other + ": it gets none; move it away, and a new one is made"};
}

void write_manifest(const fs::path& file, const Json& manifest) {
  const auto folder = folder_of(file);
  const auto name = file.filename().string(), json = manifest_path(file).filename().string();
  const mth5::Descriptor lock{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!lock) fail(folder, "cannot be opened");
  while (flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) fail(folder, "cannot be locked");
  for (const auto& [part, of] : unfinished_in(folder))  // of who died: one writes at a time
    if (of == json || of == kSums) (void)unlink(part.c_str());
  // The manifest comes last: where it is, all of this is done.
  // A name need not be UTF-8, and JSON must be.
  const auto text = manifest.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  Sha256 hash;
  hash.add(std::as_bytes(std::span{text}));
  auto sums = Sums::read(folder);
  sums.set(name, manifest.at("sha256").get<std::string>());
  sums.set(json, hash.hex());
  put(folder / kSums, sums.text(), 0644, true);
  put(folder / json, text, 0444, false);
}

std::vector<std::string> clear_unfinished(const fs::path& folder) {
  std::vector<std::string> told;
  std::string removed;
  const mth5::Descriptor lock{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const bool alone = lock && flock(lock.get(), LOCK_EX | LOCK_NB) == 0;  // of those who write manifests
  for (const auto& [part, name] : unfinished_in(folder)) {
    if (is_text(name)) {
      if (!alone || unlink(part.c_str()) != 0) continue;
    } else {
      if (!analysis::is_data_name(name) || !is_left(part)) continue;
      const auto recordings = recordings_of(name);
      const bool whole_elsewhere = std::any_of(recordings.begin(), recordings.end(), [&](const auto& one) {
        return is_there(folder / one) || is_there(folder / ".." / one);
      });
      if (!whole_elsewhere) {
        const auto kept = folder / (name + ".unfinished");
        if (renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, kept.c_str(), RENAME_NOREPLACE) == 0)
          told.push_back(kept.string() +
                         ": what a program that died has left of an archive; its recording is not there any more, so it "
                         "stays");
        continue;
      }
      if (unlink(part.c_str()) != 0) continue;
    }
    removed += (removed.empty() ? "" : ", ") + part.filename().string();
  }
  if (!removed.empty()) told.push_back(folder.string() + ": removed what programs that died had not finished: " + removed);
  return told;
}

Verified verify(const fs::path& file, const Progress& progress) {
  try {
    if (file.filename() == kSums)
      return {file, Found::NoSums,
              "is missing, so that nothing proves the manifests; (cd " + file.parent_path().string() +
                  " && sha256sum *.h5 *.json > " + std::string{kSums} + ") makes one of what is there now"};
    auto beside = manifest_path(file);
    if (!fs::exists(beside) && is_there(file)) beside = manifest_path(archive_of(file));
    if (!fs::exists(beside)) beside = manifest_path(archive_path(file));
    if (!fs::exists(beside)) return without_manifest(file);
    return compared(file, beside, progress);
  } catch (const mth5::Error& e) {
    std::string what = e.what();
    if (const auto front = file.string() + ": "; what.starts_with(front)) what.erase(0, front.size());
    return {file, Found::Unreadable, what};
  } catch (const nlohmann::json::exception&) {
    return {file, Found::Changed, "its manifest lacks what a manifest has"};
  } catch (const fs::filesystem_error& e) {
    return {file, Found::Unreadable, e.code().message()};
  }
}

std::vector<fs::path> files_to_verify(const fs::path& directory) {
  std::set<fs::path> files;
  const auto look = [&](const fs::path& folder, bool all) {
    std::error_code error;
    bool manifests = false;
    for (fs::directory_iterator entry{folder, error}; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
      const auto& path = entry->path();
      if (path.extension() == kManifestSuffix && analysis::is_data_name(path.stem())) {
        files.insert(folder / path.stem());
        manifests = true;
      }
      if (all && analysis::is_data_name(path)) files.insert(path);
    }
    if (error) throw mth5::FileError{folder.string() + ": cannot be read: " + error.message()};
    if (manifests && !fs::exists(fs::symlink_status(folder / kSums))) files.insert(folder / kSums);
    // What is gone together with its manifest. Lines of others, whose names are none of ours, are theirs.
    for (const auto& line : Sums::read(folder).lines) {
      fs::path name{Sums::name_of(line)};
      if (name.extension() == kManifestSuffix) name = name.stem();
      if (name == name.filename() && analysis::is_data_name(name)) files.insert(folder / name);
    }
  };
  const auto archive = directory / kFolder;
  std::error_code error;
  look(directory, fs::canonical(directory, error).filename() == kFolder);
  if (fs::is_directory(archive)) look(archive, true);
  return {files.begin(), files.end()};
}

}  // namespace archive

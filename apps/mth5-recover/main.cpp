#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <boost/program_options/value_semantic.hpp>

#include "archive/manifest.hpp"
#include "cli/cli.hpp"
#include "mth5/duration.hpp"
#include "mth5/recover.hpp"
#include "recovery.hpp"

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;
using Paths = std::vector<std::string>;

/// What is made up must stay the exception.
constexpr std::chrono::minutes kLongestBridge{10};

cli::CommandLine command_line() {
  cli::CommandLine line{"mth5-recover",
                        "mth5-recover - put right what a dead writer left, make old files fit for appending, archive files",
                        {"[OPTIONS] FILE…", "--undo BEFORE FILE", "--set-swmr [--output NEW] FILE", "--finalize gzip-4 FILE…"},
                        po::options_description{"Options"}};
  line.options.add_options()                                                                                //
      ("check", "also read every sample of every channel")                                                  //
      ("undo", po::value<std::string>()->value_name("BEFORE"), "put back what a recovery changed of FILE")  //
      ("set-swmr", "copy FILE to a new file beside it that can be appended to under SWMR")                  //
      ("finalize", po::value<std::string>()->value_name("gzip-1 … gzip-9"),                                 //
       "compress a closed FILE into archive/FILE beside it, and compare all samples")                       //
      ("bridge", po::value<std::string>()->value_name("TIME"),
       "with --finalize: into archive/FILE.bridged.h5, with runs joined over gaps up to TIME (5s; at most 10min), samples "
       "interpolated")  //
      ("retention", po::value<std::string>()->value_name("TIME"),
       "with --finalize: then remove FILE if its newest sample is so old (30d) and its archive holds all of it")  //
      ("keep", po::value<std::string>()->value_name("FILE"),
       "with --retention: this one stays, as the newest of each station in its folder does")                            //
      ("retention-below", po::value<std::int64_t>()->value_name("BYTES"), "with --retention: only while less is free")  //
      ("keep-free", po::value<std::int64_t>()->value_name("BYTES"),
       "with --finalize: wait, and archive nothing, while that would leave less than BYTES free")                   //
      ("output", po::value<std::string>()->value_name("NEW"), "name of the new file (default FILE with .swmr.h5)")  //
      ("dry-run", "say what would be done")                                                                         //
      ("json", "report as JSON, one object per line")                                                               //
      ("path", po::value<Paths>(), "");
  line.positional.add("path", -1);
  line.footer =
      "A file whose writer lives is never touched. What is changed of a file is kept in FILE.before-recovery first: the\n"
      "places that change.\n\n"
      "Exit: 0 done, or nothing to do; 1 failure, or a writer lives; 2 usage; 4 a file is damaged or not MTH5; 5 with --dry-run: "
      "a\n"
      "file was not closed. Of several files the highest.\n";
  return line;
}

int gzip_level(const std::string& text) {
  constexpr std::string_view kFront = "gzip-";
  if (text.size() != kFront.size() + 1 || !text.starts_with(kFront) || text.back() < '1' || text.back() > '9')
    throw cli::UsageError{"--finalize '" + text + "' is none of gzip-1 to gzip-9; gzip-4 is a good one"};
  return text.back() - '0';
}

/// Of earlier runs that were killed.
void clear_unfinished(const Paths& files) {
  std::set<fs::path> folders;
  for (const auto& file : files) folders.insert(archive::archive_path(file).parent_path());
  for (const auto& folder : folders)
    for (const auto& line : archive::clear_unfinished(folder)) cli::tell("mth5-recover", line);
}

int recover_main(int argc, char** argv) {
  const auto parsed = cli::parse(command_line(), argc, argv);
  if (parsed.answered) return cli::kDone;
  const auto& values = parsed.values;
  if (values.count("path") == 0) throw cli::UsageError{"no file given"};
  const auto& paths = values["path"].as<Paths>();
  const bool dry_run = values.count("dry-run") > 0;
  const bool json = values.count("json") > 0;
  const bool copy = values.count("set-swmr") > 0;
  const bool check = values.count("check") > 0;
  if (values.count("undo") > 0) {
    if (paths.size() > 1 || copy || check || dry_run) throw cli::UsageError{"--undo goes with one file and nothing else"};
    recovery::undo(paths.front(), values["undo"].as<std::string>(), json);
    return cli::kDone;
  }
  if (values.count("output") > 0 && (!copy || paths.size() > 1))
    throw cli::UsageError{"--output goes with --set-swmr and one file"};
  const int gzip = values.count("finalize") > 0 ? gzip_level(values["finalize"].as<std::string>()) : 0;
  std::optional<recovery::Retention> retention;
  if (values.count("retention") > 0) {
    const auto& text = values["retention"].as<std::string>();
    const auto age = mth5::parse_duration(text);
    if (!age || age->count() == 0)
      throw cli::UsageError{"--retention: '" + text + "' is not a duration above zero, like 24h, 30d"};
    if (gzip == 0) throw cli::UsageError{"--retention goes with --finalize"};
    retention = {*age, values.count("retention-below") > 0 ? values["retention-below"].as<std::int64_t>() : 0,
                 values.count("keep") > 0 ? values["keep"].as<std::string>() : ""};
  } else {
    for (const char* option : {"retention-below", "keep"})
      if (values.count(option) > 0) throw cli::UsageError{"--" + std::string{option} + " goes with --retention"};
  }
  recovery::Archive archive{gzip, {}, values.count("keep-free") > 0 ? values["keep-free"].as<std::int64_t>() : 0};
  if (archive.keep_free < 0) throw cli::UsageError{"--keep-free: bytes are 0 or more"};
  if (values.count("keep-free") > 0 && gzip == 0) throw cli::UsageError{"--keep-free goes with --finalize"};
  if (values.count("bridge") > 0) {
    const auto& text = values["bridge"].as<std::string>();
    archive.bridge = mth5::parse_duration(text);
    if (!archive.bridge || archive.bridge->count() == 0 || *archive.bridge > kLongestBridge)
      throw cli::UsageError{"--bridge: '" + text + "' is not a duration above zero and up to " +
                            mth5::format_duration(kLongestBridge) + ", like 5s"};
    if (gzip == 0) throw cli::UsageError{"--bridge goes with --finalize"};
    if (retention)
      throw cli::UsageError{
          "--bridge does not go with --retention: no file goes because of a copy whose samples are partly made up"};
  }
  if (gzip > 0 && (copy || check)) throw cli::UsageError{"--finalize goes with neither --set-swmr nor --check"};
  // One bad file must not keep the others from being put right.
  int code = cli::kDone;
  if (gzip > 0 && !dry_run) clear_unfinished(paths);
  for (const auto& path : paths) {
    try {
      if (gzip > 0)
        code = std::max<int>(code, recovery::finalize(path, archive, retention, dry_run, json));
      else if (copy)
        recovery::set_swmr(path,
                           values.count("output") > 0 ? fs::path{values["output"].as<std::string>()}
                                                      : fs::path{path}.replace_extension(".swmr.h5"),
                           dry_run, json);
      else
        code = std::max<int>(code, recovery::recover(path, {dry_run, json, check}));
    } catch (const mth5::Error& e) {
      if (paths.size() == 1) throw;
      cli::tell("mth5-recover", std::string{"error: "} + e.what());
      code = std::max<int>(code, dynamic_cast<const mth5::FormatError*>(&e) != nullptr ? cli::kDamaged : cli::kFailure);
    }
  }
  if (archive.waiting > 1 && !json) cli::tell("mth5-recover", std::to_string(archive.waiting - 1) + " more wait for space");
  return code;
}

}  // namespace

int main(int argc, char** argv) { return cli::run_main("mth5-recover", argc, argv, recover_main); }

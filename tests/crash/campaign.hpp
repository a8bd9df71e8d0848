#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "check.hpp"
#include "image.hpp"
#include "scenario.hpp"

namespace crash {

/// A model of a power cut during the writer's work, or during the recovery after such a one ('R').
inline constexpr std::string_view kModelLetters = "PSGTAJKR";

struct Options {
  std::filesystem::path bin;   ///< of crash_recorder.so, crash_writer, crash_recover
  std::filesystem::path work;  ///< a folder of our own, in memory where possible
  std::uint64_t seed = 1;
  int jobs = 2;
  std::optional<std::filesystem::path> keep;  ///< images that failed are put there as they were before recovery
  int python_pipe = -1;                       ///< one of `python_every` files goes there by name; -1 = none
  std::uint64_t python_every = 20;
};

struct Outcome {
  char model;
  std::uint64_t index;
  Verdict verdict;
};

/// Set by a signal handler: the campaign ends, and what lies in memory is removed.
extern volatile std::sig_atomic_t interrupted;

/// Records a scenario once and checks the images of it that are asked for.
/// @param wanted  indexes of images, by model
/// @param told    called for each image, in no order
/// @throws std::runtime_error if the recording fails, or a worker of ours dies
void run_scenario(const Options& options, const Scenario& scenario, const std::map<char, std::vector<std::uint64_t>>& wanted,
                  const std::function<void(const Outcome&)>& told);

}  // namespace crash

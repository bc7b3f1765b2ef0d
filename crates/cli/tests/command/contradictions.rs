//! Options that there are not, and options that contradict one another: each is refused, with the nearest that there is or what to do.

use crate::setting::Setting;
use crate::wrong::refused;

/// `train` on the small data with options, and what has to be said of them.
const OPTIONS: &[(&str, &[&str])] = &[
    // None that there is.
    ("--epoch 3", &["no option `--epoch`", "did you mean `--epochs`?"]),
    ("--batchsize 3", &["did you mean `--batch-size`?"]),
    ("--lrr 0.1", &["did you mean `--lr`?"]),
    ("--momentun 0.9", &["did you mean `--momentum`?"]),
    ("--betas 0.9,0.99", &["did you mean `--beta1`?"]),
    ("--learning-rate 0.1", &["no option `--learning-rate`", "did you mean `--lr`?"]),
    ("--step-size 3", &["did you mean `--every`?"]),
    ("--warm-up 3", &["did you mean `--warmup`?"]),
    ("--clip 1", &["no option `--clip`", "did you mean `--"]),
    ("--shuffle", &["did you mean `--no-shuffle`?"]),
    ("--xyz", &["no option `--xyz`", "did you mean `--"]),
    ("--optimizer sgdd", &["`sgdd` is no value of --optimizer", "did you mean `sgd`?", "adagrad"]),
    ("--optimizer SGD", &["did you mean `sgd`?"]),
    ("--schedule cosin", &["did you mean `cosine`?"]),
    ("--loss crossentropy", &["did you mean `cross_entropy`?"]),
    ("--best acuracy", &["did you mean `accuracy`?"]),
    ("--augment filp", &["the nearest is \"flip\""]),
    ("--freeze cnov.*", &["no parameter of small is called `cnov.*`", "conv.bias"]),
    ("--group fc.*:wd=0.1", &["`wd` is neither lr nor decay"]),
    ("--normalize imagenet", &["normalisation is imagenet", "dataset, none"]),
    ("--input 1,8", &["channels, height and width"]),
    // No values.
    ("--epochs 3.5", &["'3.5'", "a whole number, 0 or more"]),
    ("--epochs many", &["'many'", "a whole number"]),
    ("--lr fast", &["'fast'", "it has to be a number"]),
    ("--seed -1", &["'-1'", "--seed", "a whole number, 0 or more"]),
    ("--patience -1", &["'-1'", "--patience"]),
    ("--warmup -1", &["`-1` is no length"]),
    ("--lr", &["a value is required for '--lr <X>'"]),
    ("--lr 0.1 --lr 0.2", &["'--lr <X>' cannot be used multiple times"]),
    ("--epochs 99999999999", &["'99999999999'", "0..=4294967295"]),
    // Of another optimizer.
    ("--momentum 0 --nesterov", &["Nesterov", "needs momentum"]),
    ("--optimizer adam --nesterov", &["--nesterov is for sgd, and the optimizer is adam"]),
    ("--optimizer adam --momentum 0.9", &["--momentum is for sgd and rmsprop"]),
    ("--beta1 0.5", &["--beta1 is for adam, adamw and lion, and the optimizer is sgd"]),
    ("--optimizer lion --eps 1e-8", &["--eps is for adam"]),
    ("--centered", &["--centered is for rmsprop"]),
    ("--alpha 0.5", &["--alpha is for rmsprop"]),
    ("--lr-decay 0.1", &["--lr-decay is for adagrad"]),
    ("--optimizer adam --initial-accumulator-value 1", &["--initial-accumulator-value is for adagrad"]),
    // Of another schedule.
    ("--schedule cosine --every 5", &["every is for step, exponential, and the schedule is cosine"]),
    ("--schedule cosine --gamma 0.5", &["gamma is for step"]),
    ("--minimum 0.001", &["minimum is for cosine, polynomial, plateau", "constant"]),
    ("--milestones 3", &["milestones is for multistep"]),
    ("--schedule multistep", &["needs milestones"]),
    ("--schedule step --power 2", &["power is for polynomial"]),
    ("--schedule cosine --rise 0.3", &["rise is for onecycle"]),
    ("--plateau-patience 3", &["patience is for plateau"]),
    ("--schedule cosine --cooldown 1", &["cooldown is for plateau"]),
    ("--warmup-start 0.5", &["warmup_start is given, and no warm-up"]),
    ("--warmup 100", &["the warm-up takes", "shorten the warm-up"]),
    // Of another loss.
    ("--loss mse --class-weights balanced", &["class weights are for cross_entropy", "mse"]),
    ("--huber-delta 1", &["--huber-delta is for huber, and the loss is cross_entropy"]),
    ("--loss l1 --huber-delta 2", &["--huber-delta is for huber, and the loss is l1"]),
    // Against one another.
    ("--clip-norm 1 --clip-value 1", &["leave clip_norm or clip_value out"]),
    ("--best accuracy", &["give a validation set"]),
    ("--validation 0.1 --patience 0", &["patience is 0"]),
    ("--freeze *", &["every parameter is frozen"]),
    ("--freeze conv.* --group conv.*:lr=3", &["the group `conv.*` changes nothing", "frozen"]),
    ("--group *:lr=2 --group fc.*:lr=3", &["the group `fc.*` changes nothing"]),
    ("--augment crop=1,flip,crop=2", &["the augmentation crop is given twice"]),
    ("--augment none,flip", &["\"none\" stands alone"]),
    ("--augment ratio=0.5:2", &["ratio is that of resized_crop, which is off"]),
    ("--split 3:1", &["--split is for several devices, and there is one (cpu)"]),
    ("--device-timeout 5", &["--device-timeout is for several devices"]),
    ("--no-cache --cache-dir x", &["cannot be used with"]),
    ("--show-augmented x.png", &["cannot be used with"]),
    ("--resume run", &["'[MODEL]' cannot be used with '--resume <DIR>'"]),
];

#[test]
fn options_that_are_not_or_contradict_are_refused() {
    let setting = Setting::new();
    for (options, parts) in OPTIONS {
        refused(&setting, &format!("small.toml --data data {options}"), 2, parts);
    }
    setting.train("--device gpu").wrong(2, &["'--device <DEVICE,…>' cannot be used multiple times"]);
    let threads = setting.run("train small.toml --data data --device gpu --threads 2");
    threads.wrong(2, &["--threads is for the CPU", "add --device cpu"]);
    let resumed = setting.run("train --resume run --epochs 3 --beta1=0.5");
    resumed.wrong(2, &["'--resume <DIR>' cannot be used with --beta1 <X>;"]);
}

#[test]
fn other_commands_and_their_options_are_refused_too() {
    let setting = Setting::new();
    for (arguments, parts) in [
        ("trian", ["no command `trian`", "did you mean `train`?"]),
        ("evaluate", ["no command `evaluate`", "did you mean `eval`?"]),
        ("--verson", ["`--verson`", "did you mean `--version`?"]),
        ("eval --checkpont x", ["no option `--checkpont`", "`--checkpoint`"]),
        ("eval --checkpoint x --matrx y", ["no option `--matrx`", "`--matrix`"]),
        ("eval --checkpoint x --batch-size 0", ["'0'", "1..=65536"]),
        ("predict --checkpoint x y --topp 3", ["no option `--topp`", "`--top`"]),
        ("devices --jsn", ["no option `--jsn`", "`--json`"]),
        ("summary resnet9", ["no model `resnet9` (did you mean `resnet8`?)", "lenet5"]),
        ("summary --inptu 3,4,5", ["no option `--inptu`", "`--input`"]),
        ("compare mlp --tiem 3", ["no option `--tiem`", "`--time`"]),
        ("compare mlp --time 3x", ["'3x'", "such as 90s"]),
        ("compare mlp --seed x", ["'x'", "a whole number"]),
        ("compare mlp --steps 3 --epochs 2", ["--steps", "cannot be used with"]),
        ("bench --second 3", ["no option `--second`", "`--seconds`"]),
        ("bench --device gppu", ["no device `gppu`", "cpu is"]),
    ] {
        setting.run(arguments).wrong(2, &parts);
    }
    let entry = setting.compare(&["mlp --learn 3"], "--data data");
    entry.wrong(2, &["`mlp --learn 3`", "no option `--learn`", "did you mean `--"]);
    setting.compare(&["mlp --show-augmented x.png"], "--data data").wrong(2, &["--show-augmented is the same for all"]);
}

/// The keys and tables of a model's file, behind three layers, and what has to be said of them.
const TABLES: &[(&str, &[&str])] = &[
    ("[trian]\nepochs = 3", &["`trian` (did you mean `train`?)"]),
    ("[train]\nepoch = 3", &["[train]: there is no key `epoch`; did you mean `epochs`?"]),
    ("[train]\nepochs = 'three'", &["[train]: `epochs`: invalid type", "a whole number, 0 or more"]),
    ("[train]\nepochs = -3", &["`epochs`", "-3", "a whole number, 0 or more"]),
    ("[train]\nseed = -1", &["a seed is a whole number"]),
    ("[train]\nshuffle = 1", &["`shuffle`", "true or false"]),
    ("[train]\nvalidation = 0.1\nbest = 'acuracy'", &["`acuracy`; did you mean `accuracy`?"]),
    ("[train]\nlr = 0.1", &["no key `lr`"]),
    ("[train]\nclip_norm = 1\nclip_value = 1", &["leave clip_norm or clip_value out"]),
    ("[[train.groups]]\nparameter = 'x'", &["no key `parameter`; did you mean `parameters`?"]),
    ("[[train.groups]]\nparameters = 'fc.*'", &["the group `fc.*` changes nothing; give it lr_factor or weight_decay"]),
    ("[optimizer]\nmomentm = 0.9", &["[optimizer]: there is no key `momentm`; did you mean `momentum`?"]),
    ("[optimizer]\ntype = 'sgdd'", &["`sgdd`; did you mean `sgd`?"]),
    ("[optimizer]\ntype = 'adam'\nmomentum = 0.9", &["[optimizer]", "momentum is for sgd and rmsprop"]),
    ("[optimizer]\nlr = 'x'", &["[optimizer]", "`lr`", "expected a number"]),
    ("[optimizer]\nnesterov = true\nmomentum = 0", &["needs momentum"]),
    ("[schedule]\ntype = 'cosin'", &["did you mean `cosine`?"]),
    ("[schedule]\ntype = 'cosine'\nevry = 3", &["no key `evry`; did you mean `every`?"]),
    ("[schedule]\ntype = 'cosine'\nevery = 3", &["every is for step, exponential"]),
    ("[schedule]\nwarmup = 'soon'", &["[schedule]", "`soon` is no length"]),
    ("[loss]\ntyp = 'mse'", &["[loss]: there is no key `typ`; did you mean `type`?"]),
    ("[loss]\ntype = 'mse'\ndelta = 2", &["delta is for huber"]),
    ("[augment]\nfilp = true", &["[augment]", "the nearest is \"flip\""]),
    ("[augment]\ncrop = -1", &["[augment]", "crop is \"-1\""]),
    ("[augment]\nratio = [0.5, 2]", &["ratio is that of resized_crop"]),
];

/// A layer before the last ones, and what has to be said of it.
const LAYERS: &[(&str, &[&str])] = &[
    ("type = 'conv2', out_channels = 4, kernel_size = 3", &["no layer type `conv2` (did you mean `conv2d`?)"]),
    ("type = 'conv2d', out_channels = 4, kernal_size = 3", &["`kernal_size` (did you mean `kernel_size`?)"]),
    ("type = 'conv2d', out_channels = 4", &["layer `conv2d_0` (conv2d): missing field `kernel_size`"]),
    ("type = 'conv2d', out_channels = 'four', kernel_size = 3", &["`out_channels`: invalid value", "a whole number"]),
    ("type = 'conv2d', out_channels = 4, kernel_size = 3, groups = 3", &["groups = 3 has to divide the 1 channels"]),
    ("type = 'conv2d', out_channels = 4, kernel_size = 3, bias = 1", &["`bias`", "true or false"]),
    ("type = 'upsample', scale_factor = 2, size = 4", &["either a scale_factor, such as 2, or a size"]),
    ("type = 'upsample', scale_factor = 2, mode = 'neerest'", &["`neerest` (did you mean `nearest`?)"]),
    ("type = 'dropout', p = 1.5", &["p is 1.5", "from 0 up to but not including 1"]),
    ("type = 'batch_norm', momentum = 2", &["momentum is 2"]),
    ("type = 'relu', negative_slope = 0.1", &["unknown field `negative_slope`"]),
    ("type = 'relu', from = 'imput'", &["`from` has to be a list of names"]),
    ("type = 'relu', from = ['imput']", &["`imput` (did you mean `input`?)"]),
    ("name = 'x'", &["layer 0 has no `type`"]),
];

#[test]
fn tables_and_layers_of_a_model_s_file_are_held_to_the_same() {
    let setting = Setting::new();
    let layers = "input = [1, 8, 8]\nlayers = [LAYER{ type = 'flatten' }, { type = 'linear', name = 'fc', out_features = 'classes' }]\n";
    let tables = TABLES.iter().map(|(tables, parts)| (String::new(), *tables, parts));
    let layer = LAYERS.iter().map(|(layer, parts)| (format!("{{ {layer} }}, "), "", parts));
    for (layer, tables, parts) in tables.chain(layer) {
        setting.write("x.toml", format!("{}{tables}", layers.replace("LAYER", &layer)).as_bytes());
        refused(&setting, "x.toml --data data", 2, parts);
    }
}
